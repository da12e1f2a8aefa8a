import { DEAD_LETTER, DEAD_LETTERS } from '../dead-letter.ts';
import type { Database } from './database.ts';
import { unindex, unindexTail } from './search.ts';
import { expire, type Settled } from './settle.ts';

/** Expires everything that is past its time to live. Notices of dead letters are not told of. */
export function expireLate(db: Database, now: number): Settled[] {
  // It was over then, and not only now that we look: so what expired long ago is forgotten at once.
  return db
    .prepare<{ seq: number; expires_at: number }>(
      'SELECT seq, expires_at FROM delivery WHERE state IN (0, 1, 2, 3) AND expires_at <= ?',
    )
    .all(now)
    .flatMap(({ seq, expires_at }) => expire(db, seq, expires_at) ?? [])
    .filter(({ to }) => to !== DEAD_LETTERS);
}

/** Forgets the messages all of whose deliveries were settled before `olderThan`; how many, but for the spool's own. Dead letters stay. */
export function forget(db: Database, olderThan: number): number {
  const forgotten = db
    .prepare<{ seq: number; payload_type: string }>(
      `SELECT m.seq, m.payload_type FROM message m WHERE m.accepted_at < ? AND NOT EXISTS
         (SELECT 1 FROM delivery d WHERE d.message = m.seq AND (d.state NOT IN (5, 7) OR d.settled_at >= ?))`,
    )
    .all(olderThan, olderThan);
  for (const { seq } of forgotten) {
    unindex(db, seq);
    db.prepare('DELETE FROM delivery WHERE message = ?').run(seq);
    db.prepare('DELETE FROM message WHERE seq = ?').run(seq);
  }
  unindexTail(db);
  return forgotten.filter(({ payload_type }) => payload_type !== DEAD_LETTER).length;
}

/** What a cleanup would do: the real thing, undone. Inside a transaction. */
export function previewCleanup(db: Database, now: number, olderThan: number): { expired: number; removed: number } {
  db.prepare('SAVEPOINT preview').run();
  const preview = { expired: expireLate(db, now).length, removed: forget(db, olderThan) };
  db.prepare('ROLLBACK TO preview').run();
  db.prepare('RELEASE preview').run();
  return preview;
}
