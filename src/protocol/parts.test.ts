import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inParts, readPart } from './parts.ts';

const LONGEST = 1_000;

describe('an envelope in parts', () => {
  it('[WHA-05] [PRO-01] no part is longer than allowed, each can be read, and together they are the envelope', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 5_000 }), (said) => {
        const envelope = JSON.stringify({ protocol: 'ai-comms', payload: said });
        const texts = inParts(envelope, LONGEST);
        expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(LONGEST);
        if (texts.length === 1) {
          expect(texts).toEqual([envelope]);
          return;
        }
        const parts = texts.map(readPart);
        expect(parts.map((part) => part?.text).join('')).toBe(envelope);
        expect(parts.map((part) => [part?.part, part?.parts])).toEqual(texts.map((_, i) => [i + 1, texts.length]));
        expect(new Set(parts.map((part) => part?.id)).size).toBe(1);
      }),
    );
  });

  it('[PRO-01] what people write is no part of one', () => {
    const part = { protocol: 'ai-comms-part', version: '1.0', id: 'prt_1', part: 1, parts: 2, text: 'x' };
    expect(readPart(JSON.stringify(part))).toMatchObject({ part: 1 });
    const wrong = [{ part: 3 }, { parts: 1 }, { parts: 100_000 }, { id: 'a b' }, { text: '' }, { version: '2.0' }];
    for (const change of wrong) expect(readPart(JSON.stringify({ ...part, ...change }))).toBeNull();
    fc.assert(fc.property(fc.string(), (text) => void expect(readPart(text)).toBeNull()));
  });
});
