import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { type Auth, authSchema, signedPart } from './ai-comms-1.0.ts';
import type { JsonObject } from './bounded-json.ts';

function hmacOf(envelope: JsonObject, key: KeyObject): Buffer {
  return createHmac('sha256', key)
    .update(canonicalJson(signedPart(envelope)))
    .digest();
}

/** HMAC-SHA256 over the canonical JSON (RFC 8785) of the whole envelope except `auth`. */
export function sign(envelope: JsonObject, key: KeyObject): Auth {
  return { hmac: hmacOf(envelope, key).toString('hex'), algorithm: 'sha256' };
}

/** Whether the envelope's `auth`, whatever is in it, is the signature that this key gives. */
export function verify(envelope: JsonObject, key: KeyObject): Result<null, 'unsigned' | 'bad-signature'> {
  const { auth = null } = envelope;
  if (auth === null) return err('unsigned');
  const parsed = authSchema.safeParse(auth);
  if (!parsed.success) return err('bad-signature');
  // The schema has fixed the length, without which timingSafeEqual would throw.
  return timingSafeEqual(Buffer.from(parsed.data.hmac, 'hex'), hmacOf(envelope, key)) ? ok(null) : err('bad-signature');
}
