import type { Json } from '../lib/json.ts';
import type { Address, ConversationId, MessageId } from './addresses.ts';
import type { Trace } from './trace.ts';

/** Most pressing first. Within one priority, the order of acceptance. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** What a message is about, for the program; `data` belongs to the type. */
export interface Payload {
  readonly type: string;
  readonly data: Json;
}

export interface Message {
  readonly id: MessageId;
  readonly from: Address;
  readonly conversation: ConversationId;
  readonly replyTo: MessageId | null;
  readonly subject: string;
  /** The text for a reader. Empty when the payload says it all. */
  readonly body: string;
  readonly payload: Payload;
  /** Whatever its sender wants to go with it; nothing of ours looks inside. */
  readonly metadata: { readonly [name: string]: Json };
  readonly priority: Priority;
  readonly trace: Trace;
  /** When the spool accepted it, epoch milliseconds. */
  readonly acceptedAt: number;
  /** After this (epoch milliseconds) it is not delivered any more. */
  readonly expiresAt: number | null;
}

/** One recipient of a message that is being sent. */
export interface NewDelivery {
  readonly to: Address;
  /** Deliveries of this recipient with the same key are handled one at a time, in order. */
  readonly orderingKey?: string;
  /** Attempts before it becomes a dead letter. */
  readonly maxAttempts?: number;
  /** It waits, blocked, until those of a lower rank are settled; they come before it in the list. Default 0. */
  readonly rank?: number;
}

/** A message on its way into the spool. */
export interface NewMessage {
  readonly id: MessageId;
  readonly from: Address;
  readonly deliveries: readonly NewDelivery[];
  /** `sequential`: each delivery waits, blocked, until the one before it is settled, whatever its rank. Default `parallel`. */
  readonly strategy?: 'parallel' | 'sequential';
  readonly conversation: ConversationId;
  readonly replyTo?: MessageId | null;
  readonly subject?: string;
  readonly body?: string;
  readonly payload: Payload;
  readonly metadata?: { readonly [name: string]: Json };
  readonly priority?: Priority;
  readonly trace: Trace;
  /** How long it is worth delivering, in milliseconds from `deliverAt`. null: for ever. */
  readonly ttlMs?: number | null;
  /** Not before this time, epoch milliseconds. */
  readonly deliverAt?: number;
}

/** 24 hours, as the implementation guide has it. */
export const DEFAULT_TTL_MS = 24 * 60 * 60 * 1000;
export const DEFAULT_MAX_ATTEMPTS = 3;
/** Of what is for an agent, or said by one: a person or a provider may be away for long, and a turn cut short by more than the message's own fault. */
export const AGENT_ATTEMPTS = 10;
