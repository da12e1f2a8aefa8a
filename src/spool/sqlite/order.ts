import type { Address } from '../../domain/addresses.ts';
import type { Database } from './database.ts';
import { State } from './states.ts';

/*
 * Why a delivery waits for another, whatever the reason (an ordering key, a sequential panel), is one row of `blocker`. When
 * the other is settled the row goes; a delivery with no rows left is ready.
 *
 * No two wait for each other, however many are between them: a delivery only ever waits for those that have joined their orders before
 * it. So all deliveries of a message join when it is due, also those that wait for others of it: one that had joined before could
 * be waited for by what it will have to wait for.
 */

/**
 * The last delivery of this order that is not settled: a newcomer waits behind it. That is the one nobody in the order waits for,
 * and not always the youngest: what was sent for later joins the order when it is due.
 */
export function tailOfOrder(db: Database, recipient: Address, orderingKey: string): number | null {
  const row = db
    .prepare<{ seq: number }>(
      `SELECT seq FROM delivery AS d WHERE recipient = +? AND ordering_key = +? AND ordering_key IS NOT NULL AND state IN (0, 1, 3, 4)
         AND NOT EXISTS (SELECT 1 FROM blocker JOIN delivery AS w ON w.seq = blocker.delivery
           WHERE blocker.waits_for = d.seq AND w.recipient = d.recipient AND w.ordering_key = d.ordering_key)
       ORDER BY seq DESC LIMIT 1`,
    )
    .get(recipient, orderingKey);
  return row?.seq ?? null;
}

/**
 * Puts a delivery that has just become due into its order: ready, or blocked behind the tail, or by what it has waited for from the
 * beginning. True when it is ready.
 */
export function joinOrder(db: Database, delivery: number, recipient: Address, orderingKey: string | null): boolean {
  const tail = orderingKey === null ? null : tailOfOrder(db, recipient, orderingKey);
  if (tail !== null) block(db, delivery, tail);
  const isBlocked = tail !== null || db.prepare('SELECT 1 FROM blocker WHERE delivery = ?').get(delivery) !== undefined;
  db.prepare('UPDATE delivery SET state = ?, due_at = NULL, token = NULL WHERE seq = ?').run(
    isBlocked ? State.blocked : State.ready,
    delivery,
  );
  return !isBlocked;
}

export function block(db: Database, delivery: number, waitsFor: number): void {
  db.prepare('INSERT INTO blocker (waits_for, delivery) VALUES (?, ?) ON CONFLICT DO NOTHING').run(waitsFor, delivery);
}

/** Lets go of what waited for a delivery that is settled now. Returns the recipients that have something ready. */
export function releaseWaiting(db: Database, settled: number): Address[] {
  return release(db, settled, []);
}

/**
 * The same for one that may still be waiting itself, and expires in the middle of an order: those behind it wait for what it
 * waited for, and nobody takes it for the tail of its order any more.
 */
export function leaveOrder(db: Database, expired: number): Address[] {
  const inherited = db
    .prepare<{ waits_for: number }>('DELETE FROM blocker WHERE delivery = ? RETURNING waits_for')
    .all(expired)
    .map((row) => row.waits_for);
  return release(db, expired, inherited);
}

function release(db: Database, settled: number, inherited: readonly number[]): Address[] {
  const waiting = db.prepare<{ delivery: number }>('SELECT delivery FROM blocker WHERE waits_for = +?').all(settled);
  // Looked for first: nearly always there is none, and a DELETE that finds nothing takes four times as long.
  if (waiting.length === 0) return [];
  db.prepare('DELETE FROM blocker WHERE waits_for = ?').run(settled);
  const ready: Address[] = [];
  for (const { delivery } of waiting) {
    for (const other of inherited) block(db, delivery, other);
    const row = db
      .prepare<{ recipient: string }>(
        `UPDATE delivery SET state = ${State.ready} WHERE seq = ? AND state = ${State.blocked}
         AND NOT EXISTS (SELECT 1 FROM blocker WHERE blocker.delivery = ?) RETURNING recipient`,
      )
      .get(delivery, delivery);
    if (row) ready.push(row.recipient as Address);
  }
  return ready;
}
