import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { workspacePath } from './workspace-path.ts';

/** Paths out of everything that has a meaning in one. */
const pieces = fc.oneof(
  fc.constantFrom(
    '..',
    '.',
    '',
    '/',
    '//',
    '~',
    '%2e%2e',
    '..\\',
    '\\',
    '\0',
    '\n',
    '-',
    '/workspace',
    'workspace',
    'proc',
    'etc',
  ),
  fc.string({ maxLength: 8, unit: 'binary' }),
);
const paths = fc.array(pieces, { maxLength: 12 }).chain((parts) => fc.constantFrom(parts.join('/'), parts.join('')));

describe('a path in a workspace', () => {
  it('[TOL-02] never leads out of it', () => {
    fc.assert(
      fc.property(paths, (text) => {
        const read = workspacePath(text);
        if (!read.ok) return;
        expect(posix.isAbsolute(read.value)).toBe(false);
        expect(read.value.includes('\0')).toBe(false);
        expect(`${posix.join('/somewhere/else', read.value)}/`).toMatch(/^\/somewhere\/else\//);
        const names = read.value === '' ? [] : read.value.split('/');
        expect(names.filter((name) => ['', '.', '..'].includes(name))).toEqual([]);
      }),
      { numRuns: 10_000 },
    );
  });

  it.each([
    ['a.txt', 'a.txt'],
    ['./a//b/../c/', 'a/c'],
    ['/workspace', ''],
    ['/workspace/a', 'a'],
    ['/workspace/../workspace/a', 'a'],
    ['.', ''],
    ['', ''],
    ['...', '...'],
    ['..a/b', '..a/b'],
    ['~/a', '~/a'],
    ['-rf', '-rf'],
  ])('[TOL-02] %j is %j', (text, path) => {
    expect(workspacePath(text)).toEqual({ ok: true, value: path });
  });

  it.each([
    ['..'],
    ['../workspace/a'],
    ['a/../../b'],
    ['/etc/passwd'],
    ['/workspacex/a'],
    ['/workspace/../etc/passwd'],
    ['//workspace/../x'],
    ['a\0b'],
    ['\ud800'],
    ['x'.repeat(256)],
    ['a/'.repeat(2_000)],
  ])('[TOL-02] %j is refused', (text) => {
    expect(workspacePath(text).ok).toBe(false);
  });
});
