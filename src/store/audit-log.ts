import { createHash } from 'node:crypto';
import type { AuditEntry, AuditEvent, AuditLog } from '../domain/audit.ts';
import type { Write } from '../domain/write.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { canonicalJson } from '../lib/json.ts';
import type { Database } from '../spool/sqlite/database.ts';

interface Row {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly actor: string;
  readonly message: string | null;
  readonly detail: string | null;
  readonly hash: string;
}

const COLUMNS = 'seq, at, kind, actor, message, detail, hash';
/** What the first entry is chained to. */
const ANCHOR = '0'.repeat(64);

/** The audit log, shared by all processes on the database: the write lock puts their entries into one chain. */
export class SqliteAuditLog implements AuditLog {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#db = db;
    this.#clock = clock;
  }

  async record(event: AuditEvent): Promise<void> {
    await this.#db.write(this.entry(event));
  }

  entry({ kind, actor, message, detail }: AuditEvent): Write {
    return () => {
      const last = this.#db.prepare<Row>(`SELECT ${COLUMNS} FROM audit ORDER BY seq DESC LIMIT 1`).get();
      const row = {
        seq: (last?.seq ?? 0) + 1,
        at: this.#clock.now(),
        kind,
        actor,
        message: message ?? null,
        detail: detail ?? null,
      };
      this.#db
        .prepare(`INSERT INTO audit (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`)
        .run(row.seq, row.at, row.kind, row.actor, row.message, row.detail, chain(last?.hash ?? ANCHOR, row));
    };
  }

  tail(limit: number): readonly AuditEntry[] {
    return this.#db
      .prepare<Row>(`SELECT ${COLUMNS} FROM audit ORDER BY seq DESC LIMIT ?`)
      .all(limit)
      .reverse()
      .map(entryFromRow);
  }

  verify(): AuditEntry | null {
    let previous = ANCHOR;
    let seq = 0;
    for (const row of this.#db.prepare<Row>(`SELECT ${COLUMNS} FROM audit ORDER BY seq`).iterate()) {
      seq++;
      const { hash, ...content } = row;
      if (row.seq !== seq || hash !== chain(previous, content)) return entryFromRow(row);
      previous = hash;
    }
    return null;
  }
}

function chain(previous: string, content: Omit<Row, 'hash'>): string {
  return createHash('sha256').update(previous).update(canonicalJson(content)).digest('hex');
}

function entryFromRow({ message, detail, ...row }: Row): AuditEntry {
  return { ...row, ...(message === null ? {} : { message }), ...(detail === null ? {} : { detail }) };
}
