import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSameSecret, isSigned } from './signature.ts';

const SECRET = 'secret-of-the-app';
const signed = (body: Uint8Array, secret = SECRET): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

describe('the signature of a webhook', () => {
  it('[WHA-02] is right for whatever body it was made of', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        expect(isSigned(body, signed(body), SECRET)).toBe(true);
        expect(isSigned(body, signed(body).toUpperCase().replace('SHA', 'sha'), SECRET)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('[WHA-02] [SEC-05] is wrong for everything else, and nothing is ever thrown', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }).map((noise) => `sha256=${noise}`),
      fc.stringMatching(/^sha(?:1|256|512)=[0-9a-f]{0,130}$/),
      fc.constantFrom(undefined, null, 0, [], ['sha256='], {}),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), anything, (body, header) => {
        expect(isSigned(body, header, SECRET)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('[WHA-02] [SEC-05] is wrong when a byte of the body, the secret or the signature is another', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), (body, at) => {
        const changed = Uint8Array.from(body, (byte, index) => (index === at % body.length ? byte ^ 1 : byte));
        const header = signed(body);
        const digit = 7 + (at % 64);
        const other = header[digit] === '0' ? '1' : '0';
        expect(isSigned(changed, header, SECRET)).toBe(false);
        expect(isSigned(body, signed(body, `${SECRET}.`), SECRET)).toBe(false);
        expect(isSigned(body, header.slice(0, digit) + other + header.slice(digit + 1), SECRET)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('two secrets', () => {
  it('[WHA-02] are the same when their letters are', () => {
    expect(isSameSecret('abc', 'abc')).toBe(true);
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => isSameSecret(a, b) === (a === b)));
  });
});
