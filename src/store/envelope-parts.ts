import type { EnvelopePartStore, StoredPart } from '../domain/envelope-parts.ts';
import type { Write } from '../domain/write.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type Database, databaseOf } from '../spool/sqlite/database.ts';

const SAME = 'recipient = ? AND sender = ? AND id = ?';

export class SqliteEnvelopeParts implements EnvelopePartStore {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#db = db;
    this.#clock = clock;
  }

  complete({ recipient, sender, id, part, parts, text }: StoredPart): string | null {
    const rows = this.#db
      .prepare<{ part: number; text: string }>(`SELECT part, text FROM envelope_part WHERE ${SAME} AND parts = ?`)
      .all(recipient, sender, id, parts);
    const texts = new Map([...rows.map((row) => [row.part, row.text] as const), [part, text]]);
    if (texts.size < parts) return null;
    return [...texts]
      .sort(([a], [b]) => a - b)
      .map(([, one]) => one)
      .join('');
  }

  put({ recipient, sender, id, part, parts, text }: StoredPart): Write {
    return (tx) =>
      databaseOf(tx)
        .prepare(
          `INSERT INTO envelope_part (recipient, sender, id, part, parts, text, at) VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT DO NOTHING`,
        )
        .run(recipient, sender, id, part, parts, text, this.#clock.now());
  }

  remove({ recipient, sender, id }: StoredPart): Write {
    return (tx) => databaseOf(tx).prepare(`DELETE FROM envelope_part WHERE ${SAME}`).run(recipient, sender, id);
  }

  /** Forgets parts that came before `olderThan` (epoch milliseconds), and whose others never came. */
  async sweep(olderThan: number): Promise<void> {
    await this.#db.write(() => this.#db.prepare('DELETE FROM envelope_part WHERE at < ?').run(olderThan));
  }
}
