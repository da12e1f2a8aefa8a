import type { Address } from '../../domain/addresses.ts';
import type { Database } from './database.ts';
import { joinOrder } from './order.ts';
import { loseLease, type Settled } from './settle.ts';
import { State } from './states.ts';

/** How many due rows one transaction moves: enough to keep up, few enough not to hold the others up. */
const BATCH = 500;

export interface DueMoves {
  /** Recipients that have something new to claim. */
  readonly ready: readonly Address[];
  /** Leases that ran out. */
  readonly lost: readonly Settled[];
  readonly more: boolean;
}

/** Moves what has come due: scheduled and handed-back deliveries become claimable, leases that ran out are taken away. */
export function moveDue(db: Database, now: number): DueMoves {
  const rows = db
    .prepare<{ seq: number; recipient: string; ordering_key: string | null; state: number }>(
      'SELECT seq, recipient, ordering_key, state FROM delivery WHERE state IN (2, 3, 4) AND due_at <= +? ORDER BY due_at LIMIT +?',
    )
    .all(now, BATCH);
  const ready: Address[] = [];
  const lost: Settled[] = [];
  for (const row of rows) {
    const recipient = row.recipient as Address;
    if (row.state === State.leased) {
      const settled = loseLease(db, row.seq, 'the lease ran out', now);
      if (settled) lost.push(settled);
    } else if (joinOrder(db, row.seq, recipient, row.state === State.scheduled ? row.ordering_key : null)) {
      ready.push(recipient);
    }
  }
  return { ready, lost, more: rows.length === BATCH };
}

/** When the next row comes due, epoch milliseconds; null when nothing is waiting for its time. */
export function nextDue(db: Database): number | null {
  return (
    db.prepare<{ at: number | null }>('SELECT min(due_at) AS at FROM delivery WHERE state IN (2, 3, 4)').get()?.at ??
    null
  );
}

/** Who holds leases: the part of the token that names the process (see SqliteSpool). */
export function leaseHolders(db: Database): string[] {
  return db
    .prepare<{ holder: string }>(
      `SELECT DISTINCT substr(token, 1, instr(token, '.') - 1) AS holder FROM delivery WHERE state IN (2, 3, 4) AND state = ${State.leased}`,
    )
    .all()
    .map((row) => row.holder);
}

/** Takes away every lease of a process that is gone, without waiting for them to run out. */
export function loseLeasesOf(db: Database, holder: string, now: number): Settled[] {
  const rows = db
    .prepare<{ seq: number }>(
      `SELECT seq FROM delivery WHERE state IN (2, 3, 4) AND state = ${State.leased} AND substr(token, 1, instr(token, '.') - 1) = ?`,
    )
    .all(holder);
  return rows.flatMap(({ seq }) => loseLease(db, seq, 'the process that held it is gone', now) ?? []);
}
