import type { Address } from '../../domain/addresses.ts';
import type { Delivery } from '../../domain/delivery.ts';
import { DEFAULT_MAX_ATTEMPTS, type Message, type NewDelivery, type NewMessage } from '../../domain/message.ts';
import type { Database } from './database.ts';
import { block, tailOfOrder } from './order.ts';
import { acceptMessage, deliverTime, type Moment, priorityRank } from './rows.ts';
import { State } from './states.ts';

/** Takes a lease on a delivery as it is born, for somebody who waits for it; null when nobody does. */
export type HandOver = (
  to: Address,
) => { readonly token: string; readonly expiresAt: number; take(delivery: Delivery): void } | null;

export interface Inserted {
  readonly message: Message;
  /** Recipients that have something new to claim. */
  readonly ready: readonly Address[];
}

/**
 * Stores a message and its deliveries; null when a message with this id was accepted before. A delivery for somebody who is
 * waiting is stored already leased: it never passes through the claim index, which halves the work of the common case.
 */
export function insertMessage(db: Database, draft: NewMessage, moment: Moment, handOver: HandOver): Inserted | null {
  const message = acceptMessage(draft, moment);
  const deliverAt = deliverTime(draft, moment);
  const later = deliverAt > moment.now;
  const { changes, lastInsertRowid } = db
    .prepare(
      `INSERT INTO message (id, sender, conversation, reply_to, subject, body, payload_type, payload, metadata, priority, root, trace, accepted_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    )
    .run(
      message.id,
      message.from,
      message.conversation,
      message.replyTo,
      message.subject,
      message.body,
      message.payload.type,
      JSON.stringify(message.payload.data),
      draft.metadata === undefined ? null : JSON.stringify(draft.metadata),
      priorityRank(message.priority),
      message.trace.root,
      JSON.stringify(message.trace),
      message.acceptedAt,
      message.expiresAt,
    );
  if (changes === 0) return null;

  const ready: Address[] = [];
  const ranks = new Ranks();
  for (const [index, recipient] of draft.deliveries.entries()) {
    let delivery: number;
    const rank = draft.strategy === 'sequential' ? index : (recipient.rank ?? 0);
    const waitsFor = [...ranks.below(rank)];
    if (!later && recipient.orderingKey !== undefined) {
      const tail = tailOfOrder(db, recipient.to, recipient.orderingKey);
      if (tail !== null) waitsFor.push(tail);
    }
    if (later || waitsFor.length > 0) {
      const [state, dueAt] = later ? [State.scheduled, deliverAt] : [State.blocked, null];
      delivery = insertDelivery(db, lastInsertRowid, message, recipient, state, dueAt, null);
      for (const other of waitsFor) block(db, delivery, other);
    } else {
      const lease = handOver(recipient.to);
      const state = lease ? State.leased : State.ready;
      delivery = insertDelivery(
        db,
        lastInsertRowid,
        message,
        recipient,
        state,
        lease?.expiresAt ?? null,
        lease?.token ?? null,
      );
      if (lease) {
        const { token, expiresAt } = lease;
        const maxAttempts = recipient.maxAttempts ?? DEFAULT_MAX_ATTEMPTS;
        lease.take({
          message,
          to: recipient.to,
          attempt: 1,
          maxAttempts,
          lease: { delivery, token, expiresAt },
        });
      } else ready.push(recipient.to);
    }
    ranks.add(rank, delivery);
  }
  return { message, ready };
}

/** The deliveries of one message by their ranks, which only rise. */
class Ranks {
  #below: readonly number[] = [];
  #current: number[] = [];
  #rank = 0;

  /** Those that one of this rank waits for. */
  below(rank: number): readonly number[] {
    return rank > this.#rank ? this.#current : this.#below;
  }

  add(rank: number, delivery: number): void {
    if (rank > this.#rank) {
      this.#below = this.#current;
      this.#current = [];
      this.#rank = rank;
    }
    this.#current.push(delivery);
  }
}

function insertDelivery(
  db: Database,
  messageSeq: number | bigint,
  message: Message,
  recipient: NewDelivery,
  state: State,
  dueAt: number | null,
  token: string | null,
): number {
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO delivery (message, recipient, ordering_key, priority, state, attempts, max_attempts, due_at, expires_at, token)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      messageSeq,
      recipient.to,
      recipient.orderingKey ?? null,
      priorityRank(message.priority),
      state,
      state === State.leased ? 1 : 0,
      recipient.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
      dueAt,
      message.expiresAt,
      token,
    );
  return Number(lastInsertRowid);
}
