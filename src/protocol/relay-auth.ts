/*
 * How a request to the HTTP relay is signed. Frozen: clients out there do it this way. The signature is HMAC-SHA256, in hex, with the
 * text of the agent's secret as the key, over `<subject>:<timestamp>:<nonce>`. The subject of a POST is its body, byte for byte.
 */
import { createHmac } from 'node:crypto';

export const RELAY_HEADERS = {
  agent: 'x-agent-id',
  timestamp: 'x-timestamp',
  nonce: 'x-nonce',
  signature: 'x-signature',
} as const;

/** How far a timestamp may be from the relay's clock, either way, in milliseconds. The edges themselves are inside. */
export const RELAY_WINDOW_MS = 5 * 60 * 1000;

/** What is signed of `GET /api/v1/poll/:agent`. */
export const pollSubject = (agent: string): string => `POLL:${agent}`;
/** What is signed of `GET /api/v1/status/:id`. */
export const statusSubject = (id: string): string => `STATUS:${id}`;

/** Seconds since the Unix epoch; some clients send a fraction. */
const TIMESTAMP = /^\d{1,12}(?:\.\d{1,9})?$/;
/** Printable, and no colon: what is signed can be taken apart in one way only. */
const NONCE = /^[\x21-\x39\x3b-\x7e]{1,128}$/;

export const isRelayTimestamp = (text: string): boolean => TIMESTAMP.test(text);
export const isRelayNonce = (text: string): boolean => NONCE.test(text);

export function relaySignature(secret: string, subject: string | Uint8Array, timestamp: string, nonce: string): string {
  return createHmac('sha256', secret).update(subject).update(`:${timestamp}:${nonce}`).digest('hex');
}
