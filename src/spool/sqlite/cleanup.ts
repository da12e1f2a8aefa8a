import type { Address } from '../../domain/addresses.ts';
import type { Database } from './database.ts';
import { expire } from './settle.ts';

export interface Cleaned {
  readonly expired: number;
  readonly removed: number;
  /** Recipients that have something to claim because what was before it expired. */
  readonly released: readonly Address[];
}

/** Expires what is past its time to live, then forgets messages all of whose deliveries were settled before `olderThan`. Dead letters stay. */
export function cleanup(db: Database, now: number, olderThan: number): Cleaned {
  const late = db
    .prepare<{ seq: number }>('SELECT seq FROM delivery WHERE state IN (0, 1, 2, 3) AND expires_at <= ?')
    .all(now);
  const released = late.flatMap(({ seq }) => expire(db, seq, now));
  const forgotten = db
    .prepare<{ seq: number }>(
      `SELECT m.seq FROM message m WHERE m.accepted_at < ? AND NOT EXISTS
         (SELECT 1 FROM delivery d WHERE d.message = m.seq AND (d.state NOT IN (5, 7) OR d.settled_at >= ?))`,
    )
    .all(olderThan, olderThan);
  for (const { seq } of forgotten) {
    db.prepare('DELETE FROM delivery WHERE message = ?').run(seq);
    db.prepare('DELETE FROM message WHERE seq = ?').run(seq);
  }
  return { expired: late.length, removed: forgotten.length, released };
}
