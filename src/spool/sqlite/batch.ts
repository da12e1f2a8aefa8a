import { type Address, messageId } from '../../domain/addresses.ts';
import type { Delivery, Lease, Settlement } from '../../domain/delivery.ts';
import { ParleyError } from '../../domain/errors.ts';
import type { Message, NewMessage } from '../../domain/message.ts';
import { startTrace } from '../../domain/trace.ts';
import type { Tx, Write } from '../../domain/write.ts';
import { deriveId } from '../../lib/ids.ts';
import { DEAD_LETTER, DEAD_LETTERS } from '../dead-letter.ts';
import type { SendReceipt } from '../spool.ts';
import { claimReady } from './claim.ts';
import { expireLate, forget } from './cleanup.ts';
import { applyWrites, type Database, isTrouble } from './database.ts';
import { loseLeasesOf, moveDue } from './due.ts';
import { type HandOver, insertMessage } from './insert.ts';
import { findMessage } from './reports.ts';
import { deliverTime, type Moment } from './rows.ts';
import { type Settled, settle } from './settle.ts';

export interface Claimer {
  readonly recipient: Address;
  readonly limit: number;
  readonly leaseMs: number;
  readonly wait: boolean;
  readonly detached: boolean;
  resolve(deliveries: readonly Delivery[]): void;
  reject(error: unknown): void;
}

export interface SendChange {
  readonly kind: 'send';
  readonly messages: readonly NewMessage[];
  readonly also: readonly Write[];
  resolve(receipts: readonly SendReceipt[]): void;
  reject(error: unknown): void;
}

export interface SettleChange {
  readonly kind: 'settle';
  readonly lease: Lease;
  readonly settlement: Settlement;
  resolve(): void;
  reject(error: unknown): void;
}

/** Take back what processes that are gone had in their hands. */
export interface RecoverChange {
  readonly kind: 'recover';
  readonly holders: readonly string[];
  resolve(recovered: number): void;
  reject(error: unknown): void;
}

/** Expire what is past its time to live, and forget what was settled before `olderThan`. */
export interface CleanupChange {
  readonly kind: 'cleanup';
  readonly olderThan: number;
  resolve(cleaned: { expired: number; removed: number }): void;
  reject(error: unknown): void;
}

export type Change = SendChange | SettleChange | RecoverChange | CleanupChange;

/** What one transaction is to do. */
export interface Orders {
  readonly changes: readonly Change[];
  /** Those who may be given something from this mailbox, first come first. */
  claimersOf(recipient: Address): readonly Claimer[];
  /** The mailboxes where something may be waiting for a claimer already. */
  readonly stirred: Iterable<Address>;
  /** Whether something may have come due by now: if not, nobody looks. Asked inside the transaction. */
  mayBeDue(now: number): boolean;
}

/** What it did. Nothing of it is true before the commit. */
export interface Effects {
  readonly accepted: { readonly message: Message; readonly to: readonly Address[] }[];
  readonly claimed: Map<Claimer, Delivery[]>;
  readonly settled: Settled[];
  readonly receipts: Map<SendChange, SendReceipt[]>;
  readonly recovered: Map<RecoverChange, number>;
  readonly cleaned: Map<CleanupChange, { expired: number; removed: number }>;
  /** Calls that came to nothing, alone: the others in the transaction are none the worse. */
  readonly refused: Map<Change, unknown>;
  /** Mailboxes that have something which nobody here has claimed. */
  readonly unclaimed: Set<Address>;
  /** Whether it looked for what has come due. */
  lookedForDue: boolean;
  /** There is more due than one transaction moves. */
  moreDue: boolean;
  /** When the first of what it did comes due, epoch milliseconds; Infinity when nothing does. */
  nextDue: number;
}

/** One transaction's work on the spool. */
export class Batch {
  readonly effects: Effects = {
    accepted: [],
    claimed: new Map(),
    settled: [],
    receipts: new Map(),
    recovered: new Map(),
    cleaned: new Map(),
    refused: new Map(),
    unclaimed: new Set(),
    lookedForDue: false,
    moreDue: false,
    nextDue: Number.POSITIVE_INFINITY,
  };
  readonly #db: Database;
  readonly #tx: Tx;
  readonly #orders: Orders;
  readonly #moment: Moment;
  readonly #newToken: (detached: boolean) => string;
  readonly #stirred: Set<Address>;

  constructor(db: Database, tx: Tx, orders: Orders, moment: Moment, newToken: (detached: boolean) => string) {
    this.#db = db;
    this.#tx = tx;
    this.#orders = orders;
    this.#moment = moment;
    this.#newToken = newToken;
    this.#stirred = new Set(orders.stirred);
  }

  /** First what has come due, then claims from what is ready, then the changes: what they send goes straight to those still waiting. */
  run(): Effects {
    if (this.#orders.mayBeDue(this.#now)) this.#moveDue();
    this.#serveClaims();
    for (const change of this.#orders.changes) this.#change(change);
    this.#serveClaims();
    return this.effects;
  }

  #moveDue(): void {
    const due = moveDue(this.#db, this.#now);
    this.effects.lookedForDue = true;
    this.effects.moreDue = due.more;
    for (const recipient of due.ready) this.#stirred.add(recipient);
    for (const settled of due.lost) this.#settled(settled);
  }

  get #now(): number {
    return this.#moment.now;
  }

  #comesDue(at: number): void {
    this.effects.nextDue = Math.min(this.effects.nextDue, at);
  }

  /** Takes note of a delivery that was settled, and tells the dead letters' mailbox when it was given up or came too late. */
  #settled(settled: Settled): void {
    this.effects.settled.push(settled);
    if (settled.dueAt !== null) this.#comesDue(settled.dueAt);
    for (const recipient of settled.released) this.#stirred.add(recipient);
    const undelivered = settled.status === 'failed' || settled.status === 'expired';
    if (!undelivered || settled.to.startsWith('system:')) return;
    const failed = findMessage(this.#db, settled.message);
    if (failed) this.#insert(deadLetterOf(settled, failed));
  }

  #change(change: Change): void {
    if (change.kind === 'recover') return this.#recover(change);
    if (change.kind === 'cleanup') return this.#cleanup(change);
    const foreign = change.kind === 'send' ? change.also : (change.settlement.also ?? []);
    // The stores' writes are not ours and may throw: then this change alone is undone.
    if (foreign.length > 0) this.#db.prepare('SAVEPOINT change').run();
    try {
      if (change.kind === 'send') this.#send(change);
      else this.#settle(change);
    } catch (error) {
      const itsOwnFault = error instanceof ParleyError ? error.code === 'LEASE_LOST' : foreign.length > 0;
      if (!itsOwnFault || isTrouble(error)) throw error;
      if (foreign.length > 0) this.#db.prepare('ROLLBACK TO change').run();
      this.effects.refused.set(change, error);
    }
    if (foreign.length > 0) this.#db.prepare('RELEASE change').run();
  }

  // In both, whatever can throw comes before the first insert: an insert may hand a delivery over, which is not taken back.

  #send(change: SendChange): void {
    const isNew =
      change.also.length === 0 || change.messages.some((message) => findMessage(this.#db, message.id) === null);
    if (isNew) applyWrites(this.#tx, change.also);
    this.effects.receipts.set(
      change,
      change.messages.map((message) => ({ id: message.id, duplicate: !this.#insert(message) })),
    );
  }

  #settle(change: SettleChange): void {
    const settled = settle(this.#db, change.lease, change.settlement, this.#now);
    applyWrites(this.#tx, change.settlement.also);
    for (const output of change.settlement.outputs ?? []) this.#insert(output);
    this.#settled(settled);
  }

  #recover(change: RecoverChange): void {
    const lost = change.holders.flatMap((holder) => loseLeasesOf(this.#db, holder, this.#now));
    for (const settled of lost) this.#settled(settled);
    this.effects.recovered.set(change, lost.length);
  }

  #cleanup(change: CleanupChange): void {
    const late = expireLate(this.#db, this.#now);
    for (const settled of late) this.#settled(settled);
    this.effects.cleaned.set(change, { expired: late.length, removed: forget(this.#db, change.olderThan) });
  }

  #insert(draft: NewMessage): boolean {
    const inserted = insertMessage(this.#db, draft, this.#moment, this.#handOver);
    if (!inserted) return false;
    this.effects.accepted.push({ message: inserted.message, to: draft.deliveries.map((delivery) => delivery.to) });
    for (const recipient of inserted.ready) this.effects.unclaimed.add(recipient);
    if (draft.deliverAt !== undefined) this.#comesDue(deliverTime(draft, this.#moment));
    return true;
  }

  readonly #handOver: HandOver = (to) => {
    const claimer = this.#stirred.has(to) ? undefined : this.#hungry(to);
    return claimer ? { ...this.#lease(claimer), take: (delivery) => this.#give(claimer, delivery) } : null;
  };

  /** Claims of one mailbox are one SELECT. */
  #serveClaims(): void {
    for (const recipient of this.#stirred) {
      this.#stirred.delete(recipient);
      const claimers = this.#orders.claimersOf(recipient);
      const wanted = claimers.reduce((sum, claimer) => sum + this.#room(claimer), 0);
      if (wanted === 0) {
        this.effects.unclaimed.add(recipient);
        continue;
      }
      const { deliveries, expired } = claimReady(this.#db, recipient, wanted, this.#now, (taken) => {
        // In the order of the claimers: the n-th lease is for whoever has the n-th place.
        let place = taken;
        for (const claimer of claimers) {
          const room = this.#room(claimer);
          if (place < room) return this.#lease(claimer);
          place -= room;
        }
        throw new RangeError('more deliveries than were asked for');
      });
      for (const delivery of deliveries) {
        const claimer = this.#hungry(recipient);
        if (claimer) this.#give(claimer, delivery);
      }
      // What it stirs while we iterate has its turn again.
      for (const settled of expired) this.#settled(settled);
    }
  }

  #hungry(recipient: Address): Claimer | undefined {
    return this.#orders.claimersOf(recipient).find((claimer) => this.#room(claimer) > 0);
  }

  #room(claimer: Claimer): number {
    return claimer.limit - (this.effects.claimed.get(claimer)?.length ?? 0);
  }

  #lease(claimer: Claimer): { token: string; expiresAt: number } {
    const expiresAt = this.#now + claimer.leaseMs;
    this.#comesDue(expiresAt);
    return { token: this.#newToken(claimer.detached), expiresAt };
  }

  #give(claimer: Claimer, delivery: Delivery): void {
    const given = this.effects.claimed.get(claimer);
    if (given) given.push(delivery);
    else this.effects.claimed.set(claimer, [delivery]);
  }
}

/** Whether a change must survive a power failure. A lost claim or plain ack is only a redelivery. */
export function needsDurability(change: Change): boolean {
  if (change.kind !== 'settle') return true;
  const { settlement } = change;
  if ((settlement.outputs?.length ?? 0) > 0 || (settlement.also?.length ?? 0) > 0) return true;
  return settlement.kind === 'ack' ? (settlement.durable ?? false) : settlement.kind === 'term';
}

function deadLetterOf(settled: Settled, failed: Message): NewMessage {
  const id = messageId(deriveId('msg', 'dead-letter', settled.message, settled.to));
  return {
    id,
    from: DEAD_LETTERS,
    deliveries: [{ to: DEAD_LETTERS }],
    conversation: failed.conversation,
    replyTo: settled.message,
    payload: {
      type: DEAD_LETTER,
      data: {
        delivery: settled.delivery,
        message: settled.message,
        to: settled.to,
        status: settled.status,
        reason: settled.reason,
      },
    },
    trace: {
      ...startTrace(failed.trace.root, failed.trace.origin, failed.trace.budget),
      cause: settled.message,
      hop: failed.trace.hop + 1,
    },
  };
}
