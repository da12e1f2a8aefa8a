import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type AgentId, isAgentId } from '../domain/addresses.ts';
import type { Clock } from '../lib/clock.ts';
import {
  isRelayNonce,
  isRelayTimestamp,
  RELAY_HEADERS,
  RELAY_WINDOW_MS,
  relaySignature,
} from '../protocol/relay-auth.ts';
import type { RelayNonces, RelaySecrets } from '../protocol/relay-stores.ts';
import { forgetAfter } from '../protocol/seen-envelopes.ts';
import { Refusal } from './refusal.ts';

export interface AuthenticationOptions {
  readonly secrets: RelaySecrets;
  readonly nonces: RelayNonces;
  readonly clock: Clock;
}

/** Whoever has no secret is checked against this one all the same: how long it takes does not say who has one. */
const NOBODYS_SECRET = '0'.repeat(64);
const SIGNATURE = /^[0-9a-f]{64}$/i;

interface Claim {
  readonly agent: AgentId;
  readonly timestamp: string;
  readonly nonce: string;
  readonly signature: string;
}

/** Who made a request, proved by its signature over `subject`. Rejects with UNAUTHENTICATED, CLOCK_SKEW or NONCE_USED. */
export async function authenticate(
  headers: IncomingHttpHeaders,
  subject: string | Uint8Array,
  { secrets, nonces, clock }: AuthenticationOptions,
): Promise<AgentId> {
  const claim = claimOf(headers);
  const { agent, timestamp, nonce } = claim;
  const at = Math.round(Number(timestamp) * 1000);
  requireFresh(at, clock.now());
  if (!isSigned(claim, subject, secrets.valid(agent))) {
    throw new Refusal('UNAUTHENTICATED', `The signature is not that of '${agent}', or it is over something else.`);
  }
  // Only now: nobody else can use up an agent's nonces, or fill the disk with them.
  if (!(await nonces.remember(agent, nonce, forgetAfter(at, RELAY_WINDOW_MS)))) {
    throw new Refusal('NONCE_USED', 'This nonce was used before.');
  }
  return agent;
}

function claimOf(headers: IncomingHttpHeaders): Claim {
  const agent = headerOf(headers, 'agent');
  const timestamp = headerOf(headers, 'timestamp');
  const nonce = headerOf(headers, 'nonce');
  const signature = headerOf(headers, 'signature');
  if (!isAgentId(agent)) throw malformed('X-Agent-ID', 'the id of an agent');
  if (!isRelayTimestamp(timestamp)) throw malformed('X-Timestamp', 'the seconds since 1970');
  if (!isRelayNonce(nonce)) throw malformed('X-Nonce', '1 to 128 printable characters without a colon or a space');
  if (!SIGNATURE.test(signature)) throw malformed('X-Signature', 'HMAC-SHA256 in 64 hex digits');
  return { agent, timestamp, nonce, signature };
}

function headerOf(headers: IncomingHttpHeaders, name: keyof typeof RELAY_HEADERS): string {
  const value = headers[RELAY_HEADERS[name]];
  return typeof value === 'string' ? value : '';
}

const malformed = (header: string, expected: string): Refusal =>
  new Refusal('UNAUTHENTICATED', `The header ${header} has to be there once, and be ${expected}.`);

function requireFresh(at: number, now: number): void {
  const skewMs = at - now;
  if (Math.abs(skewMs) <= RELAY_WINDOW_MS) return;
  const seconds = (Math.abs(skewMs) / 1000).toFixed(3).replace(/\.?0+$/, '');
  throw new Refusal(
    'CLOCK_SKEW',
    `X-Timestamp is ${seconds} s ${skewMs < 0 ? 'behind' : 'ahead of'} the relay's clock; ${RELAY_WINDOW_MS / 1000} s are allowed.`,
  );
}

/** Looks at every secret, whichever fits. */
function isSigned(
  { timestamp, nonce, signature }: Claim,
  subject: string | Uint8Array,
  valid: readonly string[],
): boolean {
  const given = Buffer.from(signature, 'hex');
  const matches = (valid.length > 0 ? valid : [NOBODYS_SECRET]).map((secret) =>
    timingSafeEqual(Buffer.from(relaySignature(secret, subject, timestamp, nonce), 'hex'), given),
  );
  return valid.length > 0 && matches.includes(true);
}
