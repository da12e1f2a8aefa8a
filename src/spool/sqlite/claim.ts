import type { Address } from '../../domain/addresses.ts';
import type { Delivery } from '../../domain/delivery.ts';
import type { Database } from './database.ts';
import { MESSAGE_COLUMNS, type MessageRow, messageFromRow } from './rows.ts';
import { expire, type Settled } from './settle.ts';
import { State } from './states.ts';

interface ClaimRow extends MessageRow {
  readonly delivery: number;
  readonly attempts: number;
  readonly max_attempts: number;
  /** Of the delivery: a redrive gives it more time than its message had. */
  readonly deliver_until: number | null;
}

/** What a claim met: leases taken, and deliveries that turned out to be past their time. */
export interface Claimed {
  readonly deliveries: readonly Delivery[];
  readonly expired: readonly Settled[];
}

/** Takes leases on the most pressing ready deliveries of a mailbox, at most `limit`, from one index range. `lease` gets how many were taken before. */
export function claimReady(
  db: Database,
  recipient: Address,
  limit: number,
  now: number,
  lease: (taken: number) => { readonly token: string; readonly expiresAt: number },
): Claimed {
  const select = db.prepare<ClaimRow>(
    `SELECT d.seq AS delivery, d.attempts, d.max_attempts, d.expires_at AS deliver_until, ${MESSAGE_COLUMNS}
     FROM delivery d JOIN message m ON m.seq = d.message
     WHERE d.recipient = +? AND d.state = 0 ORDER BY d.priority, d.seq LIMIT +?`,
  );
  const take = db.prepare(
    `UPDATE delivery SET state = ${State.leased}, attempts = attempts + 1, due_at = ?, token = ? WHERE seq = ?`,
  );
  const deliveries: Delivery[] = [];
  const expired: Settled[] = [];
  for (;;) {
    const rows = select.all(recipient, limit - deliveries.length);
    for (const row of rows) {
      if (row.deliver_until !== null && row.deliver_until <= now) {
        const settled = expire(db, row.delivery, now);
        if (settled) expired.push(settled);
        if (!settled?.released.includes(recipient)) continue;
        // What has just been let go may be more pressing than the rest of these rows.
        break;
      }
      const { token, expiresAt } = lease(deliveries.length);
      take.run(expiresAt, token, row.delivery);
      deliveries.push({
        message: messageFromRow(row),
        to: recipient,
        attempt: row.attempts + 1,
        maxAttempts: row.max_attempts,
        lease: { delivery: row.delivery, token, expiresAt },
      });
    }
    if (rows.length === 0 || deliveries.length >= limit) return { deliveries, expired };
  }
}

/** Whether there is anything to claim: a read, so that looking does not take the write lock. */
export function hasReady(db: Database, recipient: Address): boolean {
  return db.prepare('SELECT 1 FROM delivery WHERE recipient = +? AND state = 0 LIMIT 1').get(recipient) !== undefined;
}
