import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { started } from '../src/daemon/config/config-fixtures.ts';
import { commandsIn, fileLinks, namedPaths } from './support/documents.ts';
import { ParleyProcess } from './support/process.ts';
import { PROJECT } from './support/source-files.ts';

const DOCUMENTS = ['README.md', ...globSync('docs/**/*.md', { cwd: PROJECT }).sort()];
const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')));

describe.each(DOCUMENTS)('%s', (path) => {
  const text = read(path);

  it('links to files that are there', () => {
    expect(fileLinks(text).filter((link) => !existsSync(join(PROJECT, dirname(path), link)))).toEqual([]);
  });

  it('names files that are there', () => {
    expect(namedPaths(text).filter((named) => !existsSync(join(PROJECT, named)))).toEqual([]);
  });

  it('tells its reader to run scripts of npm that there are', () => {
    const named = commandsIn(text).flatMap((words) => scriptOf(words) ?? []);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

describe('the commands in the documents', () => {
  const used = new Set(DOCUMENTS.map(read).flatMap(commandsIn).flatMap(asParley));

  it('are found', () => {
    expect([...used]).toEqual(expect.arrayContaining(['start --provider', 'demo --json', 'chat']));
  });

  it.each([...used])('[CLI-02] parley %s', async (command) => {
    const [name = '', ...options] = command.split(' ');
    await using help = new ParleyProcess([name, '--help'], { folder: PROJECT });
    await help.printed(new RegExp(`^Usage: parley ${name}\\b`, 'm'));
    for (const option of options) await help.printed(new RegExp(`^ +(?:-\\w, )?${option}\\b`, 'm'));
  });
});

describe('the README', () => {
  it('[RUN-02] has an .env that loads', () => {
    const [, env = ''] = /^```dotenv\n(.*?)^```/ms.exec(read('README.md')) ?? [];
    const { config, warnings } = started({ files: { '.env': env } });
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({ mode: 'agents', agents: [{ name: 'Atlas', chain: [{ provider: 'openai' }] }] });
    expect(config.security.requireAgentAuth).toBe(true);
  });
});

describe('the search for what a document promises', () => {
  const promises = [
    'See [one](a/b.md), ![two](c.png "title"), [web](https://example.org/x.md), [place](#here) and [both](d.md#there).',
    'In `src/lib/`, `src/x.ts` and `src/**`; not in `xsrc/y.ts`. Run `npm run lint` or `parley demo --json`.',
    '```sh\nnpm ci && npm start -- --port 1 # comment\n./bin/parley chat\n```',
    '```json5\n{ path: `src/z.ts` }\n```',
  ].join('\n\n');

  it('finds links to files', () => {
    expect(fileLinks(promises)).toEqual(['a/b.md', 'c.png', 'd.md']);
  });

  it('finds paths', () => {
    expect(namedPaths(promises)).toEqual(['src/lib/', 'src/x.ts']);
  });

  it('finds commands', () => {
    expect(commandsIn(promises).map((words) => words.join(' '))).toEqual([
      'npm ci',
      'npm start -- --port 1',
      './bin/parley chat',
      'npm run lint',
      'parley demo --json',
    ]);
  });
});

/** The script that a command of npm runs; null when it is a command of npm's own, or not npm. */
function scriptOf([program, command, name]: readonly string[]): string | null {
  if (program !== 'npm' || command === undefined) return null;
  if (command === 'run') return name ?? null;
  return command === 'start' || command === 'test' ? command : null;
}

/** The command of `parley` that is run, with the names of its options: `npm start -- --port 1` is `start --port`. */
function asParley([program, first, ...rest]: readonly string[]): string[] {
  if (first === undefined || (program === 'npm' && first !== 'start')) return [];
  return [[first, ...rest.filter((word) => /^--./.test(word))].join(' ')];
}
