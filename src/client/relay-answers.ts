import { isJsonObject, type JsonObject } from '../protocol/bounded-json.ts';
import { isObject, isText, readAll } from './read.ts';

/** A message that the relay has handed out. */
export interface RelayedMessage {
  readonly id: string;
  /** Names the lease: whoever shows it when he settles cannot settle the lease of somebody else. */
  readonly token: string | undefined;
  /** 1 on the first attempt. */
  readonly attempt: number;
  /** A MessageV2, without what the relay has said of the lease. Not checked here. */
  readonly message: Readonly<Record<string, unknown>>;
}

/** The fields of a MessageV2 that every reader wants. */
export interface RelayMessage {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly body: string;
  /** ISO 8601. */
  readonly timestamp: string;
  readonly routing: JsonObject;
  readonly payload: JsonObject;
  readonly metadata: JsonObject;
}

/** How a message stands. */
export interface RelayStatus {
  readonly id: string;
  /** Of several deliveries, that of the one that is least far. */
  readonly status: string;
  readonly deliveries: readonly RelayDeliveryStatus[];
}

export interface RelayDeliveryStatus {
  readonly agent: string;
  readonly status: string;
  readonly attempts: number;
  /** Why it was last handed back or given up. */
  readonly reason: string | null;
}

export interface RelayHealth {
  /** In seconds. */
  readonly uptime: number;
  /** The relay's clock, in seconds since 1970. */
  readonly timestamp: number;
}

/** What a relay adds to a message that it hands out. */
const LEASE_FIELDS: readonly string[] = ['attempt', 'max_attempts', 'lease_token', 'lease_expires_at'];

export function readHandedOut(answer: unknown): readonly RelayedMessage[] | null {
  return isObject(answer) ? readAll(answer['messages'], readRelayed) : null;
}

/** Whether what was handed out is a message, as far as this client looks at it. */
export function isRelayMessage(value: unknown): value is RelayMessage {
  if (!isJsonObject(value)) return false;
  const { id, from, to, subject, body, timestamp, routing, payload, metadata } = value;
  return [id, from, to, subject, body, timestamp].every(isText) && [routing, payload, metadata].every(isJsonObject);
}

export function readStatus(answer: unknown): RelayStatus | null {
  if (!isObject(answer)) return null;
  const { message_id: id, status } = answer;
  const deliveries = readAll(answer['deliveries'], readDelivery);
  return isText(id) && isText(status) && deliveries ? { id, status, deliveries } : null;
}

export function readHealth(answer: unknown): RelayHealth | null {
  if (!isObject(answer)) return null;
  const { uptime, timestamp } = answer;
  return typeof uptime === 'number' && typeof timestamp === 'number' ? { uptime, timestamp } : null;
}

function readRelayed(handedOut: unknown): RelayedMessage | null {
  if (!isObject(handedOut)) return null;
  const { id, lease_token: token, attempt } = handedOut;
  if (!isText(id)) return null;
  const message = Object.fromEntries(Object.entries(handedOut).filter(([name]) => !LEASE_FIELDS.includes(name)));
  return { id, token: isText(token) ? token : undefined, attempt: typeof attempt === 'number' ? attempt : 1, message };
}

function readDelivery(delivery: unknown): RelayDeliveryStatus | null {
  if (!isObject(delivery)) return null;
  const { agent, status, attempts, reason } = delivery;
  if (!isText(agent) || !isText(status) || typeof attempts !== 'number') return null;
  return { agent, status, attempts, reason: isText(reason) ? reason : null };
}
