import type { ConversationId } from '../../domain/addresses.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { SpoolArchive } from '../archive.ts';
import { previewCleanup } from './cleanup.ts';
import { conversation, conversations } from './conversations.ts';
import type { Database } from './database.ts';
import { SqliteFollower } from './follow.ts';
import { count, oldestLeased } from './metrics.ts';
import { problems } from './problems.ts';
import { search } from './search.ts';

export class SqliteArchive implements SpoolArchive {
  readonly #db: Database;
  readonly #clock: Clock;

  /** The database stays the caller's to close. */
  constructor(db: Database, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#db = db;
    this.#clock = clock;
  }

  conversations(options: Parameters<SpoolArchive['conversations']>[0]): ReturnType<SpoolArchive['conversations']> {
    return conversations(this.#db, options);
  }

  conversation(id: ConversationId): ReturnType<SpoolArchive['conversation']> {
    return conversation(this.#db, id);
  }

  search(text: string, options: Parameters<SpoolArchive['search']>[1]): ReturnType<SpoolArchive['search']> {
    return search(this.#db, text, options);
  }

  count(): ReturnType<SpoolArchive['count']> {
    return count(this.#db);
  }

  oldestLeased(): number | null {
    return oldestLeased(this.#db);
  }

  problems(): readonly string[] {
    return problems(this.#db);
  }

  previewCleanup(olderThan: number): ReturnType<SpoolArchive['previewCleanup']> {
    return this.#db.write(() => previewCleanup(this.#db, this.#clock.now(), olderThan), { durable: false });
  }

  follow(): SqliteFollower {
    return new SqliteFollower(this.#db);
  }

  version(): number {
    return this.#db.dataVersion();
  }
}
