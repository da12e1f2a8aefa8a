import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitText } from './split-text.ts';

const MAX = 64;
const plain = fc.string({ unit: 'grapheme', maxLength: 400 }).filter((text) => !text.includes('`'));
const words = fc.array(fc.stringMatching(/^[a-z]{1,12}[.!?]?$/), { maxLength: 60 }).map((list) => list.join(' '));
const code = fc
  .record({
    lines: fc.array(fc.stringMatching(/^[a-z =]{0,40}$/), { maxLength: 12 }),
    language: fc.constantFrom('', 'ts'),
  })
  .map(({ lines, language }) => `\`\`\`${language}\n${lines.join('\n')}\n\`\`\``);
const paragraphs = fc.array(fc.oneof(words, code), { maxLength: 8 }).map((list) => list.join('\n\n'));

const fences = (text: string): number => text.split('```').length - 1;
const withoutFences = (text: string): string => text.replace(/```(?:ts)?|\s/g, '');

describe('splitting a long text', () => {
  it('[WHA-05] without code, the pieces joined are the text', () => {
    fc.assert(
      fc.property(fc.oneof(plain, words), (text) => {
        expect(splitText(text, MAX).join('')).toBe(text);
      }),
    );
  });

  it('[WHA-05] no piece is too long or empty, and none ends inside a character', () => {
    fc.assert(
      fc.property(fc.oneof(plain, paragraphs), (text) => {
        const pieces = splitText(text, MAX);
        for (const piece of pieces) {
          expect(piece.length).toBeLessThanOrEqual(MAX);
          expect(piece.isWellFormed()).toBe(text.isWellFormed());
        }
        if (text !== '') expect(pieces).not.toContain('');
      }),
    );
  });

  it('[WHA-05] with code, every piece has its fences closed, and nothing but fences is added', () => {
    fc.assert(
      fc.property(paragraphs, (text) => {
        const pieces = splitText(text, MAX);
        for (const piece of pieces) expect(fences(piece) % 2).toBe(0);
        expect(withoutFences(pieces.join(''))).toBe(withoutFences(text));
      }),
    );
  });

  it.each([
    ['a paragraph', `${'a'.repeat(40)}\n\n${'b '.repeat(20)}`, `${'a'.repeat(40)}\n\n`],
    ['a line', `${'a '.repeat(20)}\n${'b '.repeat(20)}`, `${'a '.repeat(20)}\n`],
    ['a sentence', `${'a '.repeat(20)}end. ${'b '.repeat(20)}`, `${'a '.repeat(20)}end. `],
    ['a word', `${'a'.repeat(50)} ${'b'.repeat(40)}`, `${'a'.repeat(50)} `],
  ])('[WHA-05] the cut is at the end of %s', (_border, text, first) => {
    expect(splitText(text, MAX)[0]).toBe(first);
  });

  it('[WHA-05] a family of emoji stays together', () => {
    const family = '👨‍👩‍👧‍👦';
    const pieces = splitText(family.repeat(20), MAX);
    expect(pieces.map((piece) => piece.length % family.length)).toEqual(pieces.map(() => 0));
  });

  it('[WHA-05] code that is cut goes on in its language', () => {
    const pieces = splitText(`\`\`\`ts\n${'let a = 1;\n'.repeat(12)}\`\`\``, MAX);
    expect(pieces.length).toBeGreaterThan(1);
    for (const piece of pieces) expect(piece).toMatch(/^```ts\n(?:let a = 1;\n)+```$/);
  });
});
