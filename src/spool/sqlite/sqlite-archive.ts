import type { ConversationId } from '../../domain/addresses.ts';
import type { SpoolArchive } from '../archive.ts';
import { previewCleanup } from './cleanup.ts';
import { conversation, conversations } from './conversations.ts';
import type { Database } from './database.ts';
import { SqliteFollower } from './follow.ts';
import { oldestLeased } from './metrics.ts';
import { problems } from './problems.ts';
import { search } from './search.ts';

export class SqliteArchive implements SpoolArchive {
  readonly #db: Database;

  /** The database stays the caller's to close. */
  constructor(db: Database) {
    this.#db = db;
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

  oldestLeased(): number | null {
    return oldestLeased(this.#db);
  }

  problems(): readonly string[] {
    return problems(this.#db);
  }

  previewCleanup(olderThan: number): ReturnType<SpoolArchive['previewCleanup']> {
    return this.#db.write(() => previewCleanup(this.#db, this.#db.steady.now(), olderThan), { durable: false });
  }

  follow(): SqliteFollower {
    return new SqliteFollower(this.#db);
  }

  version(): number {
    return this.#db.dataVersion();
  }
}
