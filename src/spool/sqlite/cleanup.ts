import type { Address } from '../../domain/addresses.ts';
import type { Database } from './database.ts';
import { unindex, unindexTail } from './search.ts';
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
    .prepare<{ seq: number; expires_at: number }>(
      'SELECT seq, expires_at FROM delivery WHERE state IN (0, 1, 2, 3) AND expires_at <= ?',
    )
    .all(now);
  // It was over then, and not only now that we look: so what expired long ago is forgotten at once.
  const released = late.flatMap(({ seq, expires_at }) => expire(db, seq, expires_at));
  const forgotten = db
    .prepare<{ seq: number }>(
      `SELECT m.seq FROM message m WHERE m.accepted_at < ? AND NOT EXISTS
         (SELECT 1 FROM delivery d WHERE d.message = m.seq AND (d.state NOT IN (5, 7) OR d.settled_at >= ?))`,
    )
    .all(olderThan, olderThan);
  for (const { seq } of forgotten) {
    unindex(db, seq);
    db.prepare('DELETE FROM delivery WHERE message = ?').run(seq);
    db.prepare('DELETE FROM message WHERE seq = ?').run(seq);
  }
  unindexTail(db);
  return { expired: late.length, removed: forgotten.length, released };
}

/** What a cleanup would do: the real thing, undone. Inside a transaction. */
export function previewCleanup(db: Database, now: number, olderThan: number): Pick<Cleaned, 'expired' | 'removed'> {
  db.prepare('SAVEPOINT preview').run();
  const { expired, removed } = cleanup(db, now, olderThan);
  db.prepare('ROLLBACK TO preview').run();
  db.prepare('RELEASE preview').run();
  return { expired, removed };
}
