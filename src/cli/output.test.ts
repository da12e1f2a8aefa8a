import { afterEach, describe, expect, it, vi } from 'vitest';
import { ParleyError } from '../domain/errors.ts';
import { oneLine, printable, printError } from './output.ts';

afterEach(() => vi.restoreAllMocks());

describe('what is printed', () => {
  it('[CLI-02] cannot move the cursor, recolour the terminal or turn the writing', () => {
    expect(printable('a\u001b[2Jb\u0007\u009bc\r\u202ed')).toBe('a\\u001b[2Jb\\u0007\\u009bc\\u000d\\u202ed');
    expect(printable('a\tb\nc é 漢')).toBe('a\tb\nc é 漢');
  });

  it('[CLI-02] stays in its line where it has one', () => {
    expect(oneLine('a\r\n  b\n\nc\r')).toBe('a b c\\u000d');
  });
});

describe('[CLI-02] an error', () => {
  const printed = (error: unknown): { code: number; text: string } => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const code = printError(error, { json: false });
    return { code, text: write.mock.calls.map(([text]) => String(text)).join('') };
  };

  it('of ours has the exit code of its kind', () => {
    expect(printed(new ParleyError('DISK_FULL', 'The disk is full.')).code).toBe(74);
  });

  it('that nobody has foreseen is a fault of Parley: 70, and where it happened', () => {
    const { code, text } = printed(new TypeError('x is not a function'));
    expect(code).toBe(70);
    expect(text).toMatch(/x is not a function[\s\S]*output\.test\.ts/);
  });
});
