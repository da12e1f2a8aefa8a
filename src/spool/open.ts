import { type Clock, systemClock } from '../lib/clock.ts';
import type { Spool } from './spool.ts';
import { Database } from './sqlite/database.ts';
import { SqliteSpool } from './sqlite/sqlite-spool.ts';

/** A spool that has its database to itself, and closes it. */
class OwningSpool extends SqliteSpool {
  readonly #db: Database;
  #closing: Promise<void> | null = null;

  constructor(db: Database, clock: Clock) {
    super(db, { clock });
    this.#db = db;
  }

  override close(): Promise<void> {
    this.#closing ??= super.close().finally(() => this.#db.close());
    return this.#closing;
  }
}

/**
 * Opens the spool in a SQLite file, which is made when it is not there. What processes that were killed had in their hands is
 * handed out again. Rejects with one of the DATABASE_ errors when the file cannot be used.
 */
export async function openSpool(path: string, { clock = systemClock }: { clock?: Clock } = {}): Promise<Spool> {
  const spool = new OwningSpool(new Database(path, { clock }), clock);
  try {
    await spool.recover();
    return spool;
  } catch (error) {
    await spool.close();
    throw error;
  }
}
