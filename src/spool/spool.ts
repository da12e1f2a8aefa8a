import type { Address, MessageId } from '../domain/addresses.ts';
import type { Delivery, DeliveryStatus, Lease, Settlement } from '../domain/delivery.ts';
import type { Message, NewMessage } from '../domain/message.ts';
import type { Write } from '../domain/write.ts';

export interface SendReceipt {
  readonly id: MessageId;
  /** A message with this id was accepted before; nothing was stored now. */
  readonly duplicate: boolean;
}

export interface ClaimOptions {
  /** At most this many; default 1. */
  readonly limit?: number;
  /** How long the lease lasts, in milliseconds; default 60,000. */
  readonly leaseMs?: number;
  /** Wait until there is something (or the signal aborts, which gives an empty list). Default: look once. */
  readonly wait?: boolean;
  /**
   * The lease is not this process's but that of somebody who comes back later with its token: a command line, a client of the
   * relay. It outlives the process and ends only by being settled or by running out.
   */
  readonly detached?: boolean;
}

export interface DeliveryReport {
  readonly to: Address;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Why it was last handed back or given up. */
  readonly reason: string | null;
}

/** Notices of dead letters are the spool's own, and not counted. */
export interface SpoolStats {
  readonly messages: number;
  readonly deliveries: Readonly<Record<DeliveryStatus, number>>;
}

/** What happens to deliveries, as it happens, in this process. Logs, metrics and the live page subscribe. */
export interface SpoolEvents {
  accepted: [event: { readonly message: Message; readonly to: readonly Address[] }];
  claimed: [event: { readonly delivery: Delivery }];
  settled: [
    event: {
      readonly delivery: number;
      readonly message: MessageId;
      readonly to: Address;
      readonly status: DeliveryStatus;
    },
  ];
}

/**
 * A durable store of mailboxes. A promise that resolves has committed; one that rejects (with a `ParleyError`) has changed
 * nothing. Calls that are made together share a commit.
 *
 * The states of a delivery, each change made in one transaction:
 *
 *     send ──► blocked ──► queued ──► leased ──► acked
 *                            ▲  ▲        │
 *                            │  └─ nack ─┤ (after a delay; a lease that runs out counts as a nack)
 *                            │           └──► failed ── redrive ──► queued
 *                            └ deliverAt, retry time
 *     queued or blocked, past its time to live ──► expired
 */
export interface Spool {
  /** Accepts messages, all or none. `also` commits with them; for a duplicate nothing of it happens. Rejects with MESSAGE_INVALID or DISK_FULL. */
  send(messages: readonly NewMessage[], also?: readonly Write[]): Promise<readonly SendReceipt[]>;
  /** Takes leases on what is ready for `recipient`, most pressing first. */
  claim(recipient: Address, options?: ClaimOptions, signal?: AbortSignal): Promise<readonly Delivery[]>;
  /** Work goes on: the lease now lasts `leaseMs` from here. Rejects with LEASE_LOST when it was no longer held. */
  extend(lease: Lease, leaseMs: number): Promise<Lease>;
  /** Ends a lease. Rejects with LEASE_LOST, having done nothing, when it was no longer held. */
  settle(lease: Lease, settlement: Settlement): Promise<void>;
  /** The lease that is held on a message for this recipient, for those who know only the message's id; null when none is. */
  lease(id: MessageId, recipient: Address): Lease | null;
  /** The dead letters of a mailbox (or of all), oldest first. */
  deadLetters(recipient?: Address): readonly {
    readonly delivery: number;
    readonly message: Message;
    readonly report: DeliveryReport;
    /** When it was given up, epoch milliseconds. */
    readonly at: number;
  }[];
  /** Hands a dead letter out again, with all its attempts. False when there is no such dead letter. */
  redrive(delivery: number): Promise<boolean>;
  message(id: MessageId): Message | null;
  /** What waits in a mailbox, of the same conversation and accepted after this message, oldest first: what will be handed out next. */
  behind(id: MessageId, recipient: Address): readonly Message[];
  /** One report per recipient; empty when the message is unknown. */
  status(id: MessageId): readonly DeliveryReport[];
  stats(): SpoolStats;
  /** Marks as expired all that is past its time to live and forgets messages settled before `olderThan` (epoch milliseconds). */
  cleanup(olderThan: number): Promise<{ readonly expired: number; readonly removed: number }>;
  on<Name extends keyof SpoolEvents>(name: Name, listener: (...args: SpoolEvents[Name]) => void): () => void;
  /** Lets the calls under way commit, ends the waiting claims with an empty list, and closes. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
