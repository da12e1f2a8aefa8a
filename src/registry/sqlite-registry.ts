import { type AgentId, agentId } from '../domain/addresses.ts';
import { type AgentCard, type RegisteredAgent, statusAfter } from '../domain/agent-card.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Database } from '../spool/sqlite/database.ts';

interface Row {
  readonly id: string;
  readonly card: string;
  readonly last_seen: number;
}

/** The agents that this database knows of. Presence is not stored: it follows from when an agent was last seen. */
export class SqliteRegistry implements AgentDirectory {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#db = db;
    this.#clock = clock;
  }

  get(id: AgentId): RegisteredAgent | null {
    const row = this.#db.prepare<Row>('SELECT id, card, last_seen FROM agent WHERE id = ?').get(id);
    return row ? this.#fromRow(row) : null;
  }

  find(nameOrId: string): readonly RegisteredAgent[] {
    const wanted = nameOrId.trim();
    const byId = this.get(agentId(wanted));
    if (byId) return [byId];
    return this.#db
      .prepare<Row>('SELECT id, card, last_seen FROM agent WHERE name = ? COLLATE NOCASE ORDER BY id')
      .all(wanted)
      .map((row) => this.#fromRow(row));
  }

  list({ capability, status, provider }: Parameters<AgentDirectory['list']>[0] = {}): readonly RegisteredAgent[] {
    return this.#db
      .prepare<Row>('SELECT id, card, last_seen FROM agent ORDER BY id')
      .all()
      .map((row) => this.#fromRow(row))
      .filter(
        (agent) =>
          (capability === undefined || agent.capabilities.includes(capability)) &&
          (status === undefined || agent.status === status) &&
          (provider === undefined || agent.provider === provider),
      );
  }

  async register(card: AgentCard): Promise<void> {
    await this.#db.write(() => {
      this.#db
        .prepare(
          `INSERT INTO agent (id, name, card, last_seen) VALUES (?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET name = excluded.name, card = excluded.card, last_seen = excluded.last_seen`,
        )
        .run(card.id, card.name, JSON.stringify(card), this.#clock.now());
    });
  }

  /** What a power failure takes of it, the next heartbeat brings back. */
  async heartbeat(id: AgentId): Promise<void> {
    await this.#db.write(
      () => this.#db.prepare('UPDATE agent SET last_seen = ? WHERE id = ?').run(this.#clock.now(), id),
      { durable: false },
    );
  }

  async deregister(id: AgentId): Promise<boolean> {
    return this.#db.write(() => this.#db.prepare('DELETE FROM agent WHERE id = ?').run(id).changes > 0);
  }

  #fromRow({ card, last_seen }: Row): RegisteredAgent {
    const known = JSON.parse(card) as AgentCard;
    return { ...known, lastSeen: last_seen, status: statusAfter(this.#clock.now() - last_seen) };
  }
}
