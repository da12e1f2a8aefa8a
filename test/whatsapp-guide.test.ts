import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { closeCode } from '../src/channels/whatsapp/baileys/close-codes.ts';
import { PROJECT } from './support/source-files.ts';

const text = readFileSync(join(PROJECT, 'docs/guides/whatsapp.md'), 'utf8');

/** How the guide begins to say what is done. */
const IN_WORDS = {
  'at-once': /^connects again at once$/,
  retry: /^connects again(?! at once)/,
  stop: /^stops/,
  'link-again': /^forgets the keys, and shows a new code/,
} as const;

describe('docs/guides/whatsapp.md', () => {
  const rows = [...text.matchAll(/^\| (\d{3}) +\|[^|]+\| ([^|]+?) *\|$/gm)].map(
    ([, code, done]) => [code, done] as const,
  );
  const isKnown = (code: number): boolean => !closeCode(code).reason.endsWith(`code ${code}`);

  it('[WHA-05] names every close code that is known', () => {
    const known = Array.from({ length: 600 }, (_, code) => code).filter(isKnown);
    expect(rows.map(([code]) => Number(code))).toEqual(known);
  });

  it.each(rows)('[WHA-05] says what is done at %s', (code, done) => {
    expect(done).toMatch(IN_WORDS[closeCode(Number(code)).action]);
  });
});
