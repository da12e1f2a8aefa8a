import { describe, expect, it } from 'vitest';
import { importCycles, importsOf } from './support/imports.ts';
import { layeringViolations } from './support/layering.ts';
import { sourcesIn } from './support/source-files.ts';

const file = (path: string, text: string) => ({ path, text });
const violationsOf = (path: string, text: string): string[] => layeringViolations([file(path, text)]);

describe('the sources', () => {
  const sources = sourcesIn('src');

  it('are found', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.flatMap(importsOf).length).toBeGreaterThan(200);
  });

  it('import only what their layer may, and have names that say something', () => {
    expect(layeringViolations(sources)).toEqual([]);
  });

  it('import each other in no circle', () => {
    expect(importCycles(sources)).toEqual([]);
  });
});

describe('reading imports', () => {
  it('finds every form, and knows which are erased', () => {
    const text = [
      "import a from 'a';",
      "import type { B } from './b.ts';",
      'import {',
      '  type C,',
      '  c,',
      "} from '../c/c.ts';",
      "import './side-effect.ts';",
      "export * from './star.ts';",
      "export type { E } from './e.ts';",
      "const lazy = await import('./lazy.ts');",
      "import { readFileSync } from 'node:fs';",
    ].join('\n');
    expect(importsOf(file('src/x/y.ts', text))).toEqual([
      { target: 'a', typeOnly: false },
      { target: 'src/x/b.ts', typeOnly: true },
      { target: 'src/c/c.ts', typeOnly: false },
      { target: 'src/x/side-effect.ts', typeOnly: false },
      { target: 'src/x/star.ts', typeOnly: false },
      { target: 'src/x/e.ts', typeOnly: true },
      { target: 'fs', typeOnly: false },
      { target: 'src/x/lazy.ts', typeOnly: false },
    ]);
  });

  it('takes no comment and no other statement for one', () => {
    const text = [
      "// import a from 'a';",
      '/*',
      "import b from 'b';",
      '*/',
      "export const c = 'c';",
      "export const from = (d: string) => d + ' from ' + 'd';",
    ].join('\n');
    expect(importsOf(file('src/x/y.ts', text))).toEqual([]);
  });
});

describe('a file breaks the layering', () => {
  it.each([
    ['lib uses the domain', 'src/lib/a.ts', "import { b } from '../domain/b.ts';"],
    ['the domain uses the spool', 'src/domain/a.ts', "import type { Spool } from '../spool/spool.ts';"],
    ['protocol uses security', 'src/protocol/a.ts', "import { Gate } from '../security/gate.ts';"],
    ['delivery looks inside the spool', 'src/delivery/a.ts', "import { b } from '../spool/sqlite/batch.ts';"],
    ['the registry looks past the handle', 'src/registry/a.ts', "import { b } from '../spool/sqlite/batch.ts';"],
    ['a store uses more than types', 'src/store/a.ts', "import { b } from '../channels/local/chat-log.ts';"],
    ['a store knows the daemon', 'src/store/a.ts', "import type { B } from '../daemon/config/config.ts';"],
    ['agents use a channel', 'src/agents/a.ts', "import { b } from '../channels/channel.ts';"],
    ['a channel uses more than types of delivery', 'src/channels/a.ts', "import { b } from '../delivery/worker.ts';"],
    ['a bridge uses the hub', 'src/bridges/a.ts', "import type { Hub } from '../hub/hub.ts';"],
    ['the hub uses the spool itself', 'src/hub/a.ts', "import { b } from '../spool/sqlite/sqlite-spool.ts';"],
    ['the daemon uses the command line', 'src/daemon/a.ts', "import { b } from '../cli/main.ts';"],
    ['the command line goes past the daemon', 'src/cli/a.ts', "const b = await import('../spool/spool.ts');"],
    ['the client loads a parser', 'src/client/a.ts', "import { HUB_CLOSE } from '../protocol/hub-frames.ts';"],
    ['a folder that is not in the table', 'src/things/a.ts', ''],
    ['the page uses code of the server', `src/channels/local/page/a.ts`, "import { b } from '../wire.ts';"],
    ['it imports a test', 'src/agents/a.ts', "import { b } from './b.test.ts';"],
    ['it imports a fixture', 'src/agents/a.ts', "import { b } from './b-fixtures.ts';"],
    ['it imports test support', 'src/agents/a.ts', "import { b } from '../../test/support/b.ts';"],
    ['it uses the clock of tests', 'src/agents/a.ts', "import { ManualClock } from '../lib/manual-clock.ts';"],
    ['Baileys outside its folder', 'src/channels/whatsapp/cloud/a.ts', "import { b } from 'baileys';"],
    ['a part of Baileys outside its folder', 'src/daemon/a.ts', "const b = await import('baileys/lib/b.js');"],
    ['SQLite outside its folder', 'src/store/a.ts', "import Sqlite from 'better-sqlite3';"],
    ['the environment outside the daemon', 'src/agents/a.ts', 'const b = process.env.B;'],
    ['the environment, taken apart', 'src/agents/a.ts', 'const { env } = process;'],
    ['the environment, imported', 'src/agents/a.ts', "import { env } from 'node:process';"],
    ['a vague file', 'src/agents/string-utils.ts', ''],
    ['a vague folder', 'src/agents/common/a.ts', ''],
    ['an index that does something', 'src/agents/index.ts', "export { a } from './a.ts';\nexport const b = 1;"],
  ])('%s', (_what, path, text) => {
    expect(violationsOf(path, text)).toHaveLength(1);
  });

  it.each([
    [
      'delivery uses the interface of the spool',
      'src/delivery/a.ts',
      "import type { Spool } from '../spool/spool.ts';",
    ],
    ['a store uses the handle', 'src/store/a.ts', "import type { Database } from '../spool/sqlite/database.ts';"],
    ['a store implements an interface', 'src/store/a.ts', "import type { B } from '../channels/local/chat-log.ts';"],
    ['agents use the protocol', 'src/agents/a.ts', "import { writeEnvelope } from '../protocol/envelope.ts';"],
    ['the daemon reads the environment', 'src/daemon/a.ts', 'const b = process.env.B;'],
    ['a comment on the environment', 'src/agents/a.ts', '// process.env is read elsewhere\n/* process.env */'],
    ['a test imports anything', 'src/lib/a.test.ts', "import { b } from '../daemon/b.ts';\nprocess.env;"],
    ['Baileys in its folder', 'src/channels/whatsapp/baileys/a.ts', "import { b } from 'baileys';"],
    ['an index that re-exports', 'src/agents/index.ts', "/** Why. */\nexport type { A } from './a.ts';"],
  ])('but not when: %s', (_what, path, text) => {
    expect(violationsOf(path, text)).toEqual([]);
  });
});

describe('a circle', () => {
  it('is found, however long', () => {
    const files = [
      file('src/a.ts', "import { b } from './b.ts';"),
      file('src/b.ts', "export { c } from './c.ts';"),
      file('src/c.ts', "const a = await import('./a.ts');"),
    ];
    expect(importCycles(files)).toEqual([['src/a.ts', 'src/b.ts', 'src/c.ts', 'src/a.ts']]);
  });

  it('of types alone is none', () => {
    const files = [
      file('src/a.ts', "import { b } from './b.ts';"),
      file('src/b.ts', "import type { A } from './a.ts';"),
    ];
    expect(importCycles(files)).toEqual([]);
  });
});
