import type { CloudStore, LastInbound, SentPiece } from '../channels/whatsapp/cloud/store.ts';
import type { Write } from '../domain/write.ts';
import { type Database, databaseOf } from '../spool/sqlite/database.ts';

interface PieceRow {
  readonly id: string;
  readonly departure: string;
  readonly asked_at: number;
  readonly message: string | null;
}

/** What the Cloud API channel remembers. */
export class SqliteCloudStore implements CloudStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  holder(account: string, name: string): string | null {
    const last = this.#db.prepare<{ person: string }>(
      'SELECT person FROM whatsapp_name WHERE account = ? AND name = ? ORDER BY seq DESC LIMIT 1',
    );
    return last.get(account, name)?.person ?? null;
  }

  held(account: string, person: string): readonly string[] {
    return this.#db
      .prepare<{ name: string }>(
        `SELECT name FROM whatsapp_name AS own WHERE account = ? AND person = ? AND NOT EXISTS
           (SELECT 1 FROM whatsapp_name AS later
            WHERE later.account = own.account AND later.name = own.name AND later.seq > own.seq)
         ORDER BY seq`,
      )
      .all(account, person)
      .map(({ name }) => name);
  }

  named(account: string, person: string, names: readonly string[]): Write {
    return (tx) => {
      const put = databaseOf(tx).prepare(
        'INSERT INTO whatsapp_name (account, person, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      );
      for (const name of names) put.run(account, person, name);
    };
  }

  lastInbound(account: string, chat: string): LastInbound | null {
    return (
      this.#db
        .prepare<LastInbound>('SELECT at, message FROM whatsapp_inbound WHERE account = ? AND chat = ?')
        .get(account, chat) ?? null
    );
  }

  inboundNoted(account: string, chat: string, { at, message }: LastInbound): Write {
    return (tx) =>
      databaseOf(tx)
        .prepare(
          `INSERT INTO whatsapp_inbound (account, chat, at, message) VALUES (?, ?, ?, ?)
           ON CONFLICT (account, chat) DO UPDATE SET at = excluded.at, message = excluded.message
           WHERE excluded.at >= at`,
        )
        .run(account, chat, at, message);
  }

  async commit(writes: readonly Write[]): Promise<void> {
    await this.#db.write((tx) => {
      for (const write of writes) write(tx);
    });
  }

  piece(id: string): SentPiece | null {
    return pieceOf(this.#db.prepare<PieceRow>('SELECT * FROM whatsapp_piece WHERE id = ?').get(id));
  }

  pieceOf(message: string): SentPiece | null {
    return pieceOf(this.#db.prepare<PieceRow>('SELECT * FROM whatsapp_piece WHERE message = ?').get(message));
  }

  async asked({ id, departure, askedAt }: Omit<SentPiece, 'message'>): Promise<void> {
    await this.#db.write(() =>
      this.#db
        .prepare('INSERT OR REPLACE INTO whatsapp_piece (id, departure, asked_at, message) VALUES (?, ?, ?, NULL)')
        .run(id, departure, askedAt),
    );
  }

  async answered(id: string, message: string): Promise<void> {
    await this.#db.write(() => this.#db.prepare('UPDATE whatsapp_piece SET message = ? WHERE id = ?').run(message, id));
  }

  async withdrawn(id: string): Promise<void> {
    await this.#db.write(() => this.#db.prepare('DELETE FROM whatsapp_piece WHERE id = ?').run(id));
  }

  /** Forgets what is older than `olderThan` (epoch milliseconds). */
  async sweep(olderThan: number): Promise<void> {
    await this.#db.write(() => {
      this.#db.prepare('DELETE FROM whatsapp_piece WHERE asked_at < ?').run(olderThan);
      this.#db.prepare('DELETE FROM whatsapp_inbound WHERE at < ?').run(olderThan);
    });
  }
}

function pieceOf(row: PieceRow | undefined): SentPiece | null {
  if (!row) return null;
  const { id, departure, asked_at: askedAt, message } = row;
  return { id, departure, askedAt, message };
}
