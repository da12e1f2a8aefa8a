import { describe, expect, it } from 'vitest';
import { isRelayNonce, isRelayTimestamp, pollSubject, relaySignature, statusSubject } from './relay-auth.ts';

const SECRET = '5e'.repeat(32);

describe('the signature of a relay request', () => {
  // Made with Python: hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
  it.each([
    ['{"a":1}', '6f14a1505bd42c2d9ddd29432a53fb8aa580c5e5a4fed7d2d761da74def99114'],
    [pollSubject('agent-b'), 'f7c94410aeef610f239f284d94491fd8f6de2b6454145bbeec51834939cc8b71'],
    [statusSubject('msg_1'), '120a07c49cbd52d1f0b64a30a258dbe4e826f405894473244ba33a5375b49857'],
  ])('[REL-02] over %s is what other implementations make', (subject, signature) => {
    expect(relaySignature(SECRET, subject, '1795196360', 'n-1')).toBe(signature);
    expect(relaySignature(SECRET, Buffer.from(subject), '1795196360', 'n-1')).toBe(signature);
  });

  it.each(['0', '1795196360', '1795196360.25'])('[REL-02] %s is a timestamp', (text) => {
    expect(isRelayTimestamp(text)).toBe(true);
  });
  it.each(['', '-1', '1e9', '1795196360:', ' 1', '1795196360000000', 'now'])('[REL-02] %s is none', (text) => {
    expect(isRelayTimestamp(text)).toBe(false);
  });
  it.each(['a', 'f3b1c6e0-1f4e-4a55-9b7e-3f0a4f4f6f11', 'x'.repeat(128)])('[REL-02] %s is a nonce', (text) => {
    expect(isRelayNonce(text)).toBe(true);
  });
  it.each(['', 'a:b', 'a b', 'é', 'x'.repeat(129)])('[REL-02] %s is none', (text) => {
    expect(isRelayNonce(text)).toBe(false);
  });
});
