import type { Address, ConversationId, MessageId } from '../../domain/addresses.ts';
import { DEFAULT_TTL_MS, type Message, type NewMessage, PRIORITIES, type Priority } from '../../domain/message.ts';
import type { Trace } from '../../domain/trace.ts';
import type { Json } from '../../lib/json.ts';

/** A point in time, epoch milliseconds. */
export interface Moment {
  /** By the steady clock, which measures leases, delays and times to live. */
  readonly now: number;
  /** By the clock on the wall, which somebody may set. */
  readonly date: number;
}

/** A message as its table has it. What is in there was written by us: it is trusted. */
export interface MessageRow {
  readonly id: string;
  readonly sender: string;
  readonly conversation: string;
  readonly reply_to: string | null;
  readonly subject: string;
  readonly body: string;
  readonly payload_type: string;
  readonly payload: string;
  /** null when there is none: the common case takes no room. */
  readonly metadata: string | null;
  readonly priority: number;
  readonly trace: string;
  readonly accepted_at: number;
  readonly expires_at: number | null;
}

export const MESSAGE_COLUMNS =
  'm.id, m.sender, m.conversation, m.reply_to, m.subject, m.body, m.payload_type, m.payload, m.metadata, m.priority, m.trace, m.accepted_at, m.expires_at';

export function messageFromRow(row: MessageRow): Message {
  return {
    id: row.id as MessageId,
    from: row.sender as Address,
    conversation: row.conversation as ConversationId,
    replyTo: row.reply_to as MessageId | null,
    subject: row.subject,
    body: row.body,
    payload: { type: row.payload_type, data: JSON.parse(row.payload) as Json },
    metadata: row.metadata === null ? {} : (JSON.parse(row.metadata) as Message['metadata']),
    priority: PRIORITIES[row.priority] ?? 'normal',
    trace: JSON.parse(row.trace) as Trace,
    acceptedAt: row.accepted_at,
    expiresAt: row.expires_at,
  };
}

/** The message that a new one becomes when it is accepted. */
export function acceptMessage(draft: NewMessage, { now, date }: Moment): Message {
  const ttl = draft.ttlMs === undefined ? DEFAULT_TTL_MS : draft.ttlMs;
  return {
    id: draft.id,
    from: draft.from,
    conversation: draft.conversation,
    replyTo: draft.replyTo ?? null,
    subject: draft.subject ?? '',
    body: draft.body ?? '',
    payload: draft.payload,
    metadata: draft.metadata ?? {},
    priority: draft.priority ?? 'normal',
    trace: draft.trace,
    acceptedAt: date,
    expiresAt: ttl === null ? null : deliverTime(draft, { now, date }) + ttl,
  };
}

/** When it may be delivered, by the steady clock: a sender names it by the calendar. */
export function deliverTime({ deliverAt }: NewMessage, { now, date }: Moment): number {
  return deliverAt === undefined ? now : now + Math.max(0, deliverAt - date);
}

export const priorityRank = (priority: Priority): number => PRIORITIES.indexOf(priority);
