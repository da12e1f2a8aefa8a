import type { Address, ConversationId } from '../../domain/addresses.ts';
import type { AddressedMessage, ConversationReport } from '../archive.ts';
import type { Database } from './database.ts';
import { MESSAGE_COLUMNS, type MessageRow, messageFromRow } from './rows.ts';

interface SummaryRow {
  readonly messages: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** The most recent conversations, from one pass over the index of conversations. */
export function conversations(
  db: Database,
  { limit, participant }: { readonly limit: number; readonly participant?: Address },
): ConversationReport[] {
  const group = 'GROUP BY conversation ORDER BY max(seq) DESC LIMIT ?';
  const rows =
    participant === undefined
      ? db.prepare<{ id: ConversationId }>(`SELECT conversation AS id FROM message ${group}`).all(limit)
      : db
          .prepare<{ id: ConversationId }>(
            `SELECT conversation AS id FROM message WHERE conversation IN (
               SELECT conversation FROM message WHERE sender = ?
               UNION SELECT m.conversation FROM delivery d JOIN message m ON m.seq = d.message WHERE d.recipient = ?) ${group}`,
          )
          .all(participant, participant, limit);
  return rows.flatMap(({ id }) => summary(db, id) ?? []);
}

/** null when there is nothing in it but notices. */
function summary(db: Database, id: ConversationId): ConversationReport | null {
  const counted = db
    .prepare<SummaryRow>(
      `SELECT count(*) AS messages, min(accepted_at) AS firstAt, max(accepted_at) AS lastAt
       FROM message WHERE conversation = ? AND payload_type <> 'dead-letter'`,
    )
    .get(id);
  if (!counted || counted.messages === 0) return null;
  const last = db
    .prepare<{ subject: string }>(
      `SELECT subject FROM message WHERE conversation = ? AND payload_type <> 'dead-letter' ORDER BY seq DESC LIMIT 1`,
    )
    .get(id);
  const participants = db
    .prepare<{ address: Address }>(
      `SELECT sender AS address FROM message WHERE conversation = @id AND payload_type <> 'dead-letter'
       UNION SELECT d.recipient FROM message m JOIN delivery d ON d.message = m.seq
         WHERE m.conversation = @id AND m.payload_type <> 'dead-letter' ORDER BY address`,
    )
    .all({ id });
  return { id, ...counted, lastSubject: last?.subject ?? '', participants: participants.map((row) => row.address) };
}

export function conversation(db: Database, id: ConversationId): AddressedMessage[] {
  return db
    .prepare<MessageRow & { seq: number }>(
      `SELECT m.seq, ${MESSAGE_COLUMNS} FROM message m WHERE m.conversation = ? AND m.payload_type <> 'dead-letter' ORDER BY m.seq`,
    )
    .all(id)
    .map((row) => ({ message: messageFromRow(row), to: recipientsOf(db, row.seq) }));
}

/** Whom a message is for, in the order in which they were named. */
export function recipientsOf(db: Database, message: number): Address[] {
  return db
    .prepare<{ recipient: Address }>('SELECT recipient FROM delivery WHERE message = ? ORDER BY seq')
    .all(message)
    .map((row) => row.recipient);
}
