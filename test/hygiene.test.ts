import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { leaksIn, sloppinessIn } from './support/leaks.ts';
import { PROJECT, sourcesIn } from './support/source-files.ts';

/** Everything that is, or would be, committed. */
function trackedFiles(): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  return execFileSync('git', args, { cwd: PROJECT, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(PROJECT, path)));
}

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      link: z.boolean().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

function readLock(path: string): z.infer<typeof lockSchema>['packages'] {
  return lockSchema.parse(JSON.parse(readFileSync(join(PROJECT, path), 'utf8'))).packages;
}

describe('what is committed', () => {
  const files = trackedFiles();

  it('is looked at', () => {
    expect(files).toContain('package-lock.json');
    expect(files.length).toBeGreaterThan(100);
  });

  it('has no secret, no path of one machine and no registry in it', () => {
    const leaks = files.flatMap((path) =>
      leaksIn(readFileSync(join(PROJECT, path), 'utf8')).map((leak) => `${path}: ${leak}`),
    );
    expect(leaks).toEqual([]);
  });

  it('is not what belongs to one machine', () => {
    const own =
      /(?:^|\/)(?:\.env(?:\.(?!example$)[^/]*)?|parley\.json5|node_modules|dist|[^/]*\.(?:db|log|pem|tgz))(?:\/|$)/;
    expect(files.filter((path) => own.test(path))).toEqual([]);
  });
});

describe('the sources', () => {
  it('have nothing unfinished, unchecked or printed past the output', () => {
    const found = sourcesIn('src').flatMap(({ path, text }) => sloppinessIn(text).map((word) => `${path}: ${word}`));
    expect(found).toEqual([]);
  });
});

describe('package-lock.json', () => {
  const packages = readLock('package-lock.json');

  it('says where no package comes from, and what each must be', () => {
    const entries = Object.entries(packages).filter(([path, { link }]) => path !== '' && !link);
    expect(entries.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
    expect(entries.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path)).toEqual([]);
  });

  it('[RUN-01] has the builds of Linux and macOS for each package that comes in builds', () => {
    const wanted = Object.values(packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => /(?:linux|darwin)-(?:x64|arm64)/.test(name));
    expect(wanted.length).toBeGreaterThan(0);
    expect(wanted.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([]);
  });

  it('[RUN-01] has the SQLite that comes compiled', () => {
    expect(packages['node_modules/better-sqlite3']?.version).toMatch(/^13\./);
  });
});

describe('a leak', () => {
  const letters = (length: number): string => 'aB3'.repeat(length).slice(0, length);

  it.each([
    ['a key', `KEY=sk-${letters(24)}`],
    ['a key of a project', `"sk-proj-${letters(40)}"`],
    ['a key of another provider', `gsk_${letters(40)}`],
    ['a cloud key', `AKIA${'A1B2'.repeat(4)}`],
    ['a token', `ghp_${letters(36)}`],
    ['a private key', `-----BEGIN ${'PRIVATE'} KEY-----`],
    ['a password', `postgres://parley:${letters(8)}@db.example.org/parley`],
    ['a path', `at /${'root'}/project/file.ts`],
    ['a path in quotes', `'/${'home'}/someone/file'`],
    ['a registry', `https://registry.${'npmjs'}.org/x`],
    ['a registry setting', `@scope:${'registry'}=https://npm.example.org`],
    ['where a package comes from', `"resolved": ${'"https'}://npm.example.org/x.tgz"`],
  ])('is found: %s', (_what, text) => {
    expect(leaksIn(`before\n${text}\nafter`)).toHaveLength(1);
  });

  it.each([
    ['a placeholder', 'OPENAI_API_KEY=sk-...'],
    ['a short fake', 'sk-secret-123'],
    ['a word', 'the task-assignment-of-somebody-else'],
    ['an address of a file', 'src/work/x.ts, ./tmp/x, https://example.org/home/x'],
    ['a URL with a port', 'http://localhost:8080/a@b.c'],
  ])('is not: %s', (_what, text) => {
    expect(leaksIn(text)).toEqual([]);
  });

  it.each([
    ['let a: any;'],
    ['const a = b as any;'],
    ['type A = Map<string, any>;'],
    ["console.log('a');"],
    [`// ${'TODO'}: later`],
    [`// @ts-${'expect-error'}`],
    [`// biome-${'ignore'} lint/a: b`],
  ])('is sloppy: %s', (code) => {
    expect(sloppinessIn(code)).toHaveLength(1);
  });

  it.each([
    ['// as in any other'],
    ["const a = 'any console.log';"],
    ['AbortSignal.any([a, b]);'],
    ['const many = company;'],
  ])('is not sloppy: %s', (code) => {
    expect(sloppinessIn(code)).toEqual([]);
  });
});
