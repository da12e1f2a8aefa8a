import type { Address } from '../../domain/addresses.ts';
import { DEFAULT_TTL_MS, type Message } from '../../domain/message.ts';
import type { DeliveryReport } from '../spool.ts';
import type { Database } from './database.ts';
import { joinOrder } from './order.ts';
import { DELIVERY_COLUMNS, type DeliveryRow, reportFromRow } from './reports.ts';
import { MESSAGE_COLUMNS, type MessageRow, messageFromRow } from './rows.ts';

export interface DeadLetter {
  readonly delivery: number;
  readonly message: Message;
  readonly report: DeliveryReport;
  /** When it was given up, epoch milliseconds. */
  readonly at: number;
}

export function deadLetters(db: Database, recipient?: Address): DeadLetter[] {
  const select = `SELECT d.seq AS delivery, d.settled_at AS at, ${DELIVERY_COLUMNS}, ${MESSAGE_COLUMNS} FROM delivery d JOIN message m ON m.seq = d.message WHERE d.state = 6`;
  type Row = DeliveryRow & MessageRow & { readonly delivery: number; readonly at: number };
  const rows =
    recipient === undefined
      ? db.prepare<Row>(`${select} ORDER BY d.seq`).all()
      : db.prepare<Row>(`${select} AND d.recipient = ? ORDER BY d.seq`).all(recipient);
  return rows.map((row) => ({
    delivery: row.delivery,
    message: messageFromRow(row),
    report: reportFromRow(row),
    at: row.at,
  }));
}

/** Hands a dead letter out again, with all its attempts and a day to live, last in its order. Its recipient, or null when there is none such. */
export function redrive(db: Database, delivery: number, now: number): Address | null {
  const row = db
    .prepare<{ recipient: string; ordering_key: string | null }>(
      `UPDATE delivery SET attempts = 0, settled_at = NULL, reason = NULL,
         expires_at = CASE WHEN expires_at IS NULL THEN NULL ELSE ? END
       WHERE seq = ? AND state = 6 RETURNING recipient, ordering_key`,
    )
    .get(now + DEFAULT_TTL_MS, delivery);
  if (!row) return null;
  const recipient = row.recipient as Address;
  joinOrder(db, delivery, recipient, row.ordering_key);
  return recipient;
}
