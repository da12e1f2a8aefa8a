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

  lastInbound(account: string, chat: string): LastInbound | null {
    return (
      this.#db
        .prepare<LastInbound>('SELECT at, message, phone FROM whatsapp_inbound WHERE account = ? AND chat = ?')
        .get(account, chat) ?? null
    );
  }

  inboundNoted(account: string, chat: string, { at, message, phone }: LastInbound): Write {
    return (tx) =>
      databaseOf(tx)
        .prepare(
          `INSERT INTO whatsapp_inbound (account, chat, at, message, phone) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (account, chat) DO UPDATE SET at = excluded.at, message = excluded.message, phone = excluded.phone
           WHERE excluded.at >= at`,
        )
        .run(account, chat, at, message, phone);
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
