import type { AgentId } from '../domain/addresses.ts';
import type { SessionEntry, SessionStore } from '../domain/session.ts';
import type { Write } from '../domain/write.ts';
import { type Database, databaseOf } from '../spool/sqlite/database.ts';

export class SqliteSessions implements SessionStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  recent(key: string, limit: number): readonly SessionEntry[] {
    return this.#db
      .prepare<SessionEntry>(
        'SELECT id, role, speaker, text, at FROM session_entry WHERE session = ? ORDER BY seq DESC LIMIT ?',
      )
      .all(key, limit)
      .reverse();
  }

  has(key: string, id: string): boolean {
    return this.#db.prepare('SELECT 1 FROM session_entry WHERE session = ? AND id = ?').get(key, id) !== undefined;
  }

  append(agent: AgentId, key: string, entries: readonly SessionEntry[]): Write {
    return (tx) => {
      const db = databaseOf(tx);
      for (const { id, role, speaker, text, at } of entries) {
        db.prepare(
          `INSERT INTO session (key, agent, last_said_at) VALUES (?, ?, ?)
           ON CONFLICT (key) DO UPDATE SET last_said_at = max(last_said_at, excluded.last_said_at)`,
        ).run(key, agent, at);
        db.prepare(
          'INSERT INTO session_entry (session, id, role, speaker, text, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
        ).run(key, id, role, speaker, text, at);
      }
    };
  }

  purge(idleSince: number): Promise<number> {
    return this.#db.write(() => {
      const idle = this.#db
        .prepare<{ key: string }>('DELETE FROM session WHERE last_said_at < ? RETURNING key')
        .all(idleSince);
      for (const { key } of idle) this.#db.prepare('DELETE FROM session_entry WHERE session = ?').run(key);
      return idle.length;
    });
  }
}
