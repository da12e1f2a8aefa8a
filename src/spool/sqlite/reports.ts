import type { Address, MessageId } from '../../domain/addresses.ts';
import type { Lease } from '../../domain/delivery.ts';
import type { Message } from '../../domain/message.ts';
import type { DeliveryReport } from '../spool.ts';
import type { Database } from './database.ts';
import { MESSAGE_COLUMNS, type MessageRow, messageFromRow } from './rows.ts';
import { State, statusOf } from './states.ts';

export interface DeliveryRow {
  readonly recipient: string;
  readonly state: number;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly reason: string | null;
}

export const DELIVERY_COLUMNS = 'd.recipient, d.state, d.attempts, d.max_attempts, d.reason';

export function reportFromRow(row: DeliveryRow): DeliveryReport {
  return {
    to: row.recipient as Address,
    status: statusOf(row.state),
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    reason: row.reason,
  };
}

export function findMessage(db: Database, id: MessageId): Message | null {
  const row = db.prepare<MessageRow>(`SELECT ${MESSAGE_COLUMNS} FROM message m WHERE m.id = ?`).get(id);
  return row ? messageFromRow(row) : null;
}

export function deliveryReports(db: Database, id: MessageId): DeliveryReport[] {
  return db
    .prepare<DeliveryRow>(
      `SELECT ${DELIVERY_COLUMNS} FROM message m JOIN delivery d ON d.message = m.seq WHERE m.id = ? ORDER BY d.seq`,
    )
    .all(id)
    .map(reportFromRow);
}

export function findLease(db: Database, id: MessageId, recipient: Address): Lease | null {
  const row = db
    .prepare<{ seq: number; token: string; due_at: number }>(
      `SELECT d.seq, d.token, d.due_at FROM message m JOIN delivery d ON d.message = m.seq
       WHERE m.id = ? AND d.recipient = ? AND d.state = ${State.leased}`,
    )
    .get(id, recipient);
  return row ? { delivery: row.seq, token: row.token, expiresAt: row.due_at } : null;
}

/** More than these are never answered together. */
const MOST_BEHIND = 50;

export function waitingBehind(db: Database, id: MessageId, recipient: Address): Message[] {
  return db
    .prepare<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM message before
       JOIN message m ON m.conversation = before.conversation AND m.seq > before.seq
       JOIN delivery d ON d.message = m.seq AND d.recipient = ? AND d.state IN (0, 1, 2, 3)
       WHERE before.id = ? ORDER BY m.seq LIMIT ${MOST_BEHIND}`,
    )
    .all(recipient, id)
    .map(messageFromRow);
}
