import type { SeenEnvelope, SeenEnvelopes } from '../protocol/seen-envelopes.ts';
import type { Database } from '../spool/sqlite/database.ts';

export class SqliteSeenEnvelopes implements SeenEnvelopes {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  remember({ recipient, envelope, delivery }: SeenEnvelope, forgetAfter: number): Promise<'new' | 'replay'> {
    return this.#db.write(() => {
      const row = this.#db
        .prepare<{ delivery: number }>(
          `INSERT INTO seen_envelope (recipient, envelope, delivery, forget_after) VALUES (?, ?, ?, ?)
           ON CONFLICT (recipient, envelope) DO UPDATE SET forget_after = max(forget_after, excluded.forget_after)
           RETURNING delivery`,
        )
        .get(recipient, envelope, delivery, forgetAfter);
      return row?.delivery === delivery ? 'new' : 'replay';
    });
  }

  /**
   * Forgets what can no longer be replayed: a copy accepted from now on is stale, and no delivery accepted while it was fresh can
   * still be handed out (a dead letter can: it may be redriven).
   */
  sweep(now: number): Promise<number> {
    return this.#db.write(() => {
      const oldest = this.#db
        .prepare<{ at: number | null }>(
          'SELECT min(m.accepted_at) AS at FROM delivery d JOIN message m ON m.seq = d.message WHERE d.state NOT IN (5, 7)',
        )
        .get()?.at;
      return this.#db.prepare('DELETE FROM seen_envelope WHERE forget_after < ?').run(Math.min(now, oldest ?? now))
        .changes;
    });
  }
}
