import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../lib/json.ts';
import { sign, verify } from './signature.ts';

const key = createSecretKey(Buffer.alloc(32, 1));
const envelope = { intent: 'chat', payload: 'hello', extra: { b: 1, a: 2 } };
const signed = (auth: Json) => verify({ ...envelope, auth }, key);
const { hmac, algorithm } = sign(envelope, key);

describe('the signature of an envelope', () => {
  it('[PRO-02] verifies, whatever the order of the fields', () => {
    const reordered = { extra: { a: 2, b: 1 }, auth: { algorithm, hmac }, payload: 'hello', intent: 'chat' };
    expect(verify(reordered, key).ok).toBe(true);
  });

  it('[PRO-02] does not verify under another key', () => {
    const other = createSecretKey(Buffer.alloc(32, 2));
    expect(verify({ ...envelope, auth: { hmac, algorithm } }, other)).toEqual({ ok: false, error: 'bad-signature' });
  });

  it('[PRO-02] tells a missing signature from a wrong one', () => {
    expect(verify(envelope, key)).toEqual({ ok: false, error: 'unsigned' });
    expect(signed(null)).toEqual({ ok: false, error: 'unsigned' });
    expect(signed({})).toEqual({ ok: false, error: 'bad-signature' });
  });

  it.each<[string, Json]>([
    ['empty', { hmac: '', algorithm }],
    ['too short', { hmac: hmac.slice(2), algorithm }],
    ['too long', { hmac: `${hmac}00`, algorithm }],
    ['upper-case', { hmac: hmac.toUpperCase(), algorithm }],
    ['not hexadecimal', { hmac: `zz${hmac.slice(2)}`, algorithm }],
    ['a number', { hmac: 1, algorithm }],
    ['an array', { hmac: [hmac], algorithm }],
    ['of another algorithm', { hmac, algorithm: 'sha1' }],
    ['without an algorithm', { hmac }],
    ['with unsigned company', { hmac, algorithm, note: 'not signed' }],
    ['a bare string', hmac],
  ])('[PRO-02] refuses a signature that is %s', (_, auth) => {
    expect(signed(auth)).toEqual({ ok: false, error: 'bad-signature' });
  });

  it('[PRO-02] refuses, and never throws, for anything in the place of the signature', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.record({ hmac: fc.jsonValue(), algorithm: fc.constant('sha256') })),
        (auth) => {
          expect(verify({ ...envelope, auth: JSON.parse(JSON.stringify(auth)) }, key).ok).toBe(false);
        },
      ),
    );
  });
});
