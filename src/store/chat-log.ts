import type { ChatEntry, ChatLog } from '../channels/local/chat-log.ts';
import type { Write } from '../domain/write.ts';
import { type Database, databaseOf } from '../spool/sqlite/database.ts';

/** The part of the phone's memory that is about these accounts: another process on the database may serve others. */
export class SqliteChatLog implements ChatLog {
  readonly #db: Database;
  readonly #accounts: string;

  constructor(db: Database, accounts: readonly string[]) {
    this.#db = db;
    this.#accounts = JSON.stringify(accounts);
  }

  add(entry: ChatEntry): Promise<boolean> {
    return this.#db.write(() => insert(this.#db, entry));
  }

  addition(entry: ChatEntry): Write {
    return (tx) => void insert(databaseOf(tx), entry);
  }

  list(limit: number): readonly ChatEntry[] {
    return this.#db
      .prepare<{ entry: string }>(
        'SELECT entry FROM chat_log WHERE account IN (SELECT value FROM json_each(?)) ORDER BY seq DESC LIMIT ?',
      )
      .all(this.#accounts, limit)
      .reverse()
      .map((row) => JSON.parse(row.entry) as ChatEntry);
  }
}

/** False when an entry with this id was there already. */
function insert(db: Database, entry: ChatEntry): boolean {
  const { changes } = db
    .prepare('INSERT INTO chat_log (id, account, entry) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING')
    .run(entry.id, entry.account, JSON.stringify(entry));
  return changes > 0;
}
