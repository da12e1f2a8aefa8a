import type { Address } from './addresses.ts';
import type { Message, NewMessage } from './message.ts';
import type { Write } from './write.ts';

export type DeliveryStatus = 'queued' | 'blocked' | 'leased' | 'acked' | 'failed' | 'expired';

/** The right to handle one delivery. The token fences: whoever holds an older one can settle nothing. */
export interface Lease {
  readonly delivery: number;
  readonly token: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** A claimed delivery: a message, for one recipient, for now in the claimant's hands. */
export interface Delivery {
  readonly message: Message;
  readonly to: Address;
  /** 1 on the first attempt. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly lease: Lease;
}

/**
 * How a lease ends. Whatever the handling gave rise to (`outputs`, `also`) commits together with it or not at all.
 *
 * - `ack`: done.
 * - `nack`: hand it out again after `delayMs`; once its attempts are used up it becomes a dead letter instead. With
 *   `countsAsAttempt: false` (nothing is wrong with the message: the world is not ready for it) it never does.
 * - `term`: never again; a dead letter at once.
 */
export type Settlement = {
  readonly outputs?: readonly NewMessage[];
  readonly also?: readonly Write[];
} & (
  | { readonly kind: 'ack'; readonly durable?: boolean }
  | { readonly kind: 'nack'; readonly reason: string; readonly delayMs: number; readonly countsAsAttempt?: boolean }
  | { readonly kind: 'term'; readonly reason: string }
);
