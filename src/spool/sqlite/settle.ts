import type { Address, MessageId } from '../../domain/addresses.ts';
import type { DeliveryStatus, Lease, Settlement } from '../../domain/delivery.ts';
import { ParleyError } from '../../domain/errors.ts';
import type { Database } from './database.ts';
import { leaveOrder, releaseWaiting } from './order.ts';
import { State, statusOf } from './states.ts';

/** What became of a delivery. */
export interface Settled {
  readonly delivery: number;
  readonly message: MessageId;
  readonly to: Address;
  readonly status: DeliveryStatus;
  readonly reason: string | null;
  /** Recipients that have something to claim because of it. */
  readonly released: readonly Address[];
  /** When it comes back, for a delivery that was handed back. */
  readonly dueAt: number | null;
}

interface HeldRow {
  readonly recipient: string;
  readonly id: string;
  readonly token: string;
  readonly attempts: number;
  readonly max_attempts: number;
}

const HELD = `SELECT d.recipient, m.id, d.token, d.attempts, d.max_attempts
  FROM delivery d JOIN message m ON m.seq = d.message WHERE d.seq = +? AND d.state = ${State.leased}`;

/** Ends a lease. Throws LEASE_LOST, before anything is changed, unless the token is that of the present holder. */
export function settle(db: Database, lease: Lease, settlement: Settlement, now: number): Settled {
  switch (settlement.kind) {
    case 'ack':
      return finish(db, lease, State.acked, null, now);
    case 'term':
      return finish(db, lease, State.failed, settlement.reason, now);
    case 'nack': {
      const held = db.prepare<HeldRow>(`${HELD} AND d.token = +?`).get(lease.delivery, lease.token);
      if (!held) throw leaseLost(lease);
      const counts = settlement.countsAsAttempt ?? true;
      return handBack(db, lease.delivery, held, settlement.reason, now, now + settlement.delayMs, counts);
    }
  }
}

/** A lease that ran out counts as an attempt that failed. Returns what became of the delivery. */
export function loseLease(db: Database, delivery: number, reason: string, now: number): Settled | null {
  const held = db.prepare<HeldRow>(HELD).get(delivery);
  return held ? handBack(db, delivery, held, reason, now, now, true) : null;
}

/** Past its time to live: never delivered. `at`: when that was. */
export function expire(db: Database, delivery: number, at: number): Settled | null {
  const row = db
    .prepare<{ recipient: string; id: string }>(
      `UPDATE delivery SET state = ${State.expired}, due_at = NULL, settled_at = ? WHERE seq = ?
       RETURNING recipient, (SELECT id FROM message WHERE message.seq = delivery.message) AS id`,
    )
    .get(at, delivery);
  if (!row) return null;
  const to = row.recipient as Address;
  const message = row.id as MessageId;
  return { delivery, message, to, status: 'expired', reason: null, released: leaveOrder(db, delivery), dueAt: null };
}

export function extendLease(db: Database, lease: Lease, expiresAt: number): Lease {
  const { changes } = db
    .prepare(`UPDATE delivery SET due_at = ? WHERE seq = ? AND state = ${State.leased} AND token = ?`)
    .run(expiresAt, lease.delivery, lease.token);
  if (changes === 0) throw leaseLost(lease);
  return { ...lease, expiresAt };
}

function handBack(
  db: Database,
  delivery: number,
  held: HeldRow,
  reason: string,
  now: number,
  dueAt: number,
  countsAsAttempt: boolean,
): Settled {
  if (countsAsAttempt && held.attempts >= held.max_attempts)
    return finish(db, { delivery, token: held.token }, State.failed, reason, now);
  const again = dueAt > now ? State.backoff : State.ready;
  db.prepare('UPDATE delivery SET state = ?, due_at = ?, token = NULL, reason = ?, attempts = ? WHERE seq = ?').run(
    again,
    again === State.backoff ? dueAt : null,
    reason,
    held.attempts - (countsAsAttempt ? 0 : 1),
    delivery,
  );
  const to = held.recipient as Address;
  const released = again === State.ready ? [to] : [];
  return {
    delivery,
    message: held.id as MessageId,
    to,
    status: 'queued',
    reason,
    released,
    dueAt: again === State.backoff ? dueAt : null,
  };
}

/** The token is checked by the same statement that settles: the common end of a lease is one search and one change. */
function finish(
  db: Database,
  lease: Pick<Lease, 'delivery' | 'token'>,
  state: State,
  reason: string | null,
  now: number,
): Settled {
  const row = db
    .prepare<{ recipient: string; id: string }>(
      `UPDATE delivery SET state = ?, due_at = NULL, token = NULL, reason = COALESCE(?, reason), settled_at = ?
       WHERE seq = +? AND state = ${State.leased} AND token = +?
       RETURNING recipient, (SELECT id FROM message WHERE message.seq = delivery.message) AS id`,
    )
    .get(state, reason, now, lease.delivery, lease.token);
  if (!row) throw leaseLost(lease);
  return {
    delivery: lease.delivery,
    message: row.id as MessageId,
    to: row.recipient as Address,
    status: statusOf(state),
    reason,
    released: releaseWaiting(db, lease.delivery),
    dueAt: null,
  };
}

function leaseLost({ delivery }: Pick<Lease, 'delivery'>): ParleyError {
  return new ParleyError('LEASE_LOST', `The lease on delivery ${delivery} is not held any more.`);
}
