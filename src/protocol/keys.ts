import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { ParleyError } from '../domain/errors.ts';

/** Key objects, not bytes: printing or logging one shows no key. null: not signed, not sealed. */
export interface EnvelopeKeys {
  readonly signing: KeyObject | null;
  readonly sealing: KeyObject | null;
}

export interface SharedSecrets {
  /** SECURITY_AGENT_SECRET */
  readonly agentSecret: string | null;
  /** SECURITY_ENCRYPTION_KEY */
  readonly encryptionKey: string | null;
}

/** The info strings of HKDF are part of the wire format: other agents derive the same keys from the same secrets. */
const SIGN = 'ai-comms/1.0 sign';
const SEAL = 'ai-comms/1.0 seal';

/**
 * The keys that a network of agents shares, each 32 bytes of HKDF-SHA256 (RFC 5869, no salt) over the UTF-8 bytes of its secret
 * with an info string of its own: one secret used for both still gives two keys. HKDF does not stretch passwords: the secrets
 * have to be random. Throws CONFIG_INVALID for an empty one, whose key everybody could derive.
 */
export function deriveKeys({ agentSecret, encryptionKey }: SharedSecrets): EnvelopeKeys {
  return {
    signing: agentSecret === null ? null : deriveKey('SECURITY_AGENT_SECRET', agentSecret, SIGN),
    sealing: encryptionKey === null ? null : deriveKey('SECURITY_ENCRYPTION_KEY', encryptionKey, SEAL),
  };
}

function deriveKey(setting: string, secret: string, info: string): KeyObject {
  if (secret === '') throw new ParleyError('CONFIG_INVALID', `${setting} is empty`);
  return createSecretKey(new Uint8Array(hkdfSync('sha256', secret, '', info, 32)));
}
