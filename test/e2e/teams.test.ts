import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.ts';
import { Phone } from '../support/phone.ts';
import { PROJECT } from '../support/source-files.ts';
import { temporaryFolder } from '../support/spool.ts';

const guide = readFileSync(join(PROJECT, 'docs/guides/teams.md'), 'utf8');

/** Atlas, Nova and Bolt with the scripted model, and a person who talks to Atlas; all is gone with it. */
async function openDemo() {
  const { path: folder, remove } = temporaryFolder();
  const daemon = await DaemonProcess.start({ folder });
  const phone = new Phone(daemon.url);
  let said = 0;
  return {
    folder,
    /** What Atlas says until something matches, from here on. */
    async order(text: string, last: RegExp): Promise<string[]> {
      const before = (await phone.state()).messages.length;
      await phone.say({ id: `say-${++said}`, account: 'atlas_001', text });
      const messages = await phone.until((all) => all.slice(before).some((one) => !one.mine && last.test(one.text)));
      return messages.slice(before).flatMap((one) => (one.mine ? [] : [one.text]));
    },
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      remove();
    },
  };
}

/** Runs the program of the guide as its reader would, until it is disposed of. */
async function startMember(folder: string): Promise<AsyncDisposable> {
  const [, program = ''] = /^```ts\n(.*?)^```/ms.exec(guide) ?? [];
  const file = join(folder, 'crow.mts');
  writeFileSync(file, program.replace("'parleyd'", `'${pathToFileURL(join(PROJECT, 'src/index.ts')).href}'`));
  const child = spawn(join(PROJECT, 'node_modules/.bin/node'), [file], { cwd: folder });
  const ended = once(child, 'close');
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => {
      throw new Error(errors);
    }),
  ]);
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describe('docs/guides/teams.md', () => {
  it('[TEM-01] [TEM-02] has commands that work as they stand, with the scripted model', async () => {
    await using demo = await openDemo();
    const [, commands = ''] = /^```text\n(!.*?)^```/ms.exec(guide) ?? [];
    const [send = '', team = ''] = commands.trim().split('\n');
    expect((await demo.order(send, /^Nova: /)).at(-1)).toMatch(/^Nova: \S/);
    const [plan = '', ...rest] = await demo.order(team, /parts done/);
    expect(guide).toContain(`\`\`\`text\n${plan}\n\`\`\``);
    expect(rest).toEqual([
      expect.stringMatching(/^1 of 3: /),
      expect.stringMatching(/^2 of 3: /),
      expect.stringMatching(/^3 of 3 parts done\.\n/),
    ]);
  });

  it('[TEM-01] [SPL-01] has a program that is a member of a team', async () => {
    await using demo = await openDemo();
    await using _member = await startMember(demo.folder);
    expect((await demo.order('!agents', /crow/)).at(-1)).toMatch(
      /^crow \(crow\) active, no provider: counting words$/m,
    );
    const answer = await demo.order('!agents send crow how many words are these', /^crow/);
    expect(answer).toEqual(['crow: 5 words']);
  });
});
