import { createHash, randomBytes } from 'node:crypto';
import { type AgentId, agentId } from '../domain/addresses.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { RelaySecrets } from '../protocol/relay-stores.ts';
import type { Database } from '../spool/sqlite/database.ts';

/** What may be shown of a secret. */
export interface SecretRecord {
  readonly agent: AgentId;
  /** The first 8 hex digits of its SHA-256: enough to tell it from another. */
  readonly fingerprint: string;
  /** Epoch milliseconds. */
  readonly madeAt: number;
  /** Not accepted any more from this time on, epoch milliseconds; null: until it is replaced. */
  readonly endsAt: number | null;
}

interface Row {
  readonly agent: string;
  readonly secret: string;
  readonly made_at: number;
  readonly ends_at: number | null;
}

/** The secrets in the database, whose file only its owner may read. */
export class SqliteRelaySecrets implements RelaySecrets {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#db = db;
    this.#clock = clock;
  }

  valid(agent: AgentId): readonly string[] {
    return this.#db
      .prepare<Row>(
        'SELECT secret FROM relay_secret WHERE agent = ? AND (ends_at IS NULL OR ends_at > ?) ORDER BY seq DESC',
      )
      .all(agent, this.#clock.now())
      .map(({ secret }) => secret);
  }

  /** Makes a new secret (32 random bytes, in hex). The ones before it are accepted for `overlapMs` longer, and no longer than they were. */
  replace(agent: AgentId, overlapMs: number): Promise<string> {
    const now = this.#clock.now();
    const secret = randomBytes(32).toString('hex');
    const ends = now + overlapMs;
    return this.#db.write(() => {
      this.#db
        .prepare('UPDATE relay_secret SET ends_at = min(coalesce(ends_at, ?), ?) WHERE agent = ?')
        .run(ends, ends, agent);
      this.#db.prepare('DELETE FROM relay_secret WHERE ends_at <= ?').run(now);
      this.#db.prepare('INSERT INTO relay_secret (agent, secret, made_at) VALUES (?, ?, ?)').run(agent, secret, now);
      return secret;
    });
  }

  /** Those that are accepted now, by agent, newest first. */
  list(): readonly SecretRecord[] {
    return this.#db
      .prepare<Row>(
        `SELECT agent, secret, made_at, ends_at FROM relay_secret
         WHERE ends_at IS NULL OR ends_at > ? ORDER BY agent, seq DESC`,
      )
      .all(this.#clock.now())
      .map(({ agent, secret, made_at, ends_at }) => ({
        agent: agentId(agent),
        fingerprint: createHash('sha256').update(secret).digest('hex').slice(0, 8),
        madeAt: made_at,
        endsAt: ends_at,
      }));
  }
}
