import type { AgentId } from '../domain/addresses.ts';
import type { DeliveryStatus } from '../domain/delivery.ts';
import type { MessageV2 } from '../protocol/message-v2.ts';

/** What names a lease: any process that knows it may settle. */
export interface Held {
  readonly id: string;
  readonly agent: AgentId;
  readonly token: string;
}

/** A message that was handed out. */
export interface Received {
  readonly message: MessageV2;
  /** 1 on the first attempt. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Whoever settles shows it: it is void once somebody else holds the lease. */
  readonly token: string;
  /** Epoch milliseconds. */
  readonly leasedUntil: number;
}

/** How one recipient's delivery of a message stands. */
export interface DeliveryState {
  readonly to: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Why it was last handed back or given up. */
  readonly reason: string | null;
  /** Epoch milliseconds; null when it is not leased. */
  readonly leasedUntil: number | null;
}

/** A message and whom it is for. */
export interface Outgoing {
  readonly message: MessageV2;
  readonly to: readonly AgentId[];
  /** Not before this time, epoch milliseconds. */
  readonly deliverAt?: number;
}

/** A delivery that was given up. */
export interface DeadLetter {
  /** Names it among the deliveries of its transport. */
  readonly delivery: string;
  readonly message: MessageV2;
  /** Whose mailbox it is in. */
  readonly agent: string;
  readonly reason: string;
  readonly attempts: number;
  /** When it was given up, epoch milliseconds. */
  readonly at: number;
}

export interface PollOptions {
  readonly limit: number;
  readonly leaseMs: number;
  /** Wait until there is something. */
  readonly wait: boolean;
  /** The lease outlives this process: somebody comes back later to settle it. */
  readonly detached: boolean;
}

/** How a lease ends: done, with what it gave rise to; or handed out again after a delay (to the dead letters, once the attempts are used up). */
export type Outcome =
  | { readonly kind: 'ack'; readonly outputs?: readonly Outgoing[] }
  | { readonly kind: 'nack'; readonly reason: string; readonly delayMs: number; readonly countsAsAttempt: boolean };

/** Mailboxes that MessageV2s are put into and taken out of, whatever they are made of. */
export interface Transport {
  /** Resolves when it is durable: true when it was new, false when a message with this id was there before. */
  send(outgoing: Outgoing): Promise<boolean>;
  /** Takes leases, most pressing first. */
  poll(agent: AgentId, options: PollOptions, signal?: AbortSignal): Promise<readonly Received[]>;
  /** The lease now lasts `leaseMs` from here; until when, in epoch milliseconds. Rejects with LEASE_LOST. */
  extend(held: Held, leaseMs: number): Promise<number>;
  /** Rejects with LEASE_LOST when the lease is not held any more. */
  settle(held: Held, outcome: Outcome): Promise<void>;
  /** Who holds the lease on a message for an agent; null when nobody does. */
  holder(id: string, agent: AgentId): Held | null;
  find(id: string): MessageV2 | null;
  status(id: string): readonly DeliveryState[];
  deadLetters(): readonly DeadLetter[];
  /** False when there is no such dead letter. */
  redrive(letter: DeadLetter): Promise<boolean>;
  /** Expires what is past its time to live, and forgets what was settled before `olderThan` (epoch milliseconds). */
  cleanup(olderThan: number, options: { readonly dryRun: boolean }): Promise<{ expired: number; removed: number }>;
  /** How many messages there are, and how many deliveries in each state. */
  count(): { readonly messages: number; readonly deliveries: Readonly<Record<DeliveryStatus, number>> };
  /** When the oldest message that is leased was sent, epoch milliseconds; null when none is. */
  oldestLeased(): number | null;
  /** What is wrong with what is stored, one line each. */
  problems(): readonly string[];
}
