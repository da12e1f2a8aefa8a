import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseIdentity } from './identity.ts';

describe('normaliseIdentity', () => {
  it.each([
    '+1 555 010 0123',
    '+1 (555) 010-0123',
    '0015550100123',
    '15550100123',
    '[1] 555\u2011010\u00a00123',
    '\u202a+1 555 010 0123\u202c',
    '15550100123@s.whatsapp.net',
    '15550100123:12@s.whatsapp.net',
    '15550100123:12',
    '15550100123@c.us',
    '+15550100123',
  ])('[SEC-01] a phone number has one spelling: %j', (spelling) => {
    expect(normaliseIdentity(spelling)).toBe('+15550100123');
  });

  it.each([
    [' Nova_001 ', 'nova_001'],
    ['Ｎｏｖａ', 'nova'],
    ['5550100@lid', '5550100@lid'],
    ['120363403215116621@g.us', '120363403215116621@g.us'],
    ['1234', '1234'],
    ['1.2.3.4.5', '1.2.3.4.5'],
    ['1234567890123456', '1234567890123456'],
    ['x15550100123@s.whatsapp.net', 'x15550100123@s.whatsapp.net'],
    ['', ''],
  ])('[SEC-01] anything else is trimmed, lower-cased and NFKC: %j', (text, expected) => {
    expect(normaliseIdentity(text)).toBe(expected);
  });

  it('[SEC-01] normalising twice changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const once = normaliseIdentity(text);
        expect(normaliseIdentity(once)).toBe(once);
      }),
    );
  });

  it('[SEC-01] different digits are different people', () => {
    const digits = fc.stringMatching(/^[1-9]\d{4,14}$/);
    fc.assert(
      fc.property(digits, digits, (a, b) => {
        fc.pre(a !== b);
        expect(normaliseIdentity(`+${a}`)).not.toBe(normaliseIdentity(`${b}@s.whatsapp.net`));
      }),
    );
  });
});
