import type { MessageId } from '../domain/addresses.ts';
import type { TeamRun, TeamStore } from '../domain/team.ts';
import type { Write } from '../domain/write.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type Database, databaseOf } from '../spool/sqlite/database.ts';

export class SqliteTeams implements TeamStore {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#db = db;
    this.#clock = clock;
  }

  get(host: string, id: MessageId): TeamRun | null {
    const row = this.#db.prepare<{ data: string }>('SELECT data FROM team_run WHERE host = ? AND id = ?').get(host, id);
    return row ? (JSON.parse(row.data) as TeamRun) : null;
  }

  put(host: string, run: TeamRun): Write {
    return (tx) =>
      databaseOf(tx)
        .prepare(
          `INSERT INTO team_run (host, id, data, changed_at) VALUES (?, ?, ?, ?)
           ON CONFLICT (host, id) DO UPDATE SET data = excluded.data, changed_at = excluded.changed_at`,
        )
        .run(host, run.id, JSON.stringify(run), this.#clock.now());
  }

  /** Forgets those on which nothing has moved since `idleSince` (epoch milliseconds). */
  async purge(idleSince: number): Promise<void> {
    await this.#db.write(() => this.#db.prepare('DELETE FROM team_run WHERE changed_at < ?').run(idleSince));
  }
}
