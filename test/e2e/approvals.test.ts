import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LiveEvent } from '../../src/channels/local/wire.ts';
import { started } from '../../src/daemon/config/config-fixtures.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { CommandLine } from '../cli/parley.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { Phone } from '../support/phone.ts';

const SETTINGS = `{
  provider: 'demo',
  agents: {
    atlas: { name: 'Atlas', tools: { approve: ['groups'] } },
    nova: { name: 'Nova' },
  },
}`;

/** Says something to Atlas, and waits for an answer. */
async function ask(phone: Phone, id: string, text: string, answer: RegExp): Promise<void> {
  await phone.say({ id, account: 'atlas', text });
  await heard(phone, answer);
}

const heard = async (phone: Phone, text: RegExp): Promise<void> =>
  void (await phone.until((all) => all.some((one) => !one.mine && text.test(one.text))));

describe('a request for approval', () => {
  it('[TOL-03] is decided on the command line, while Parley runs and while it does not', async () => {
    using line = new CommandLine();
    writeFileSync(join(line.folder, 'parley.json5'), SETTINGS);
    expect(await line.parley('approvals')).toBe('Nothing waits for approval.\n');
    const first = await DaemonProcess.start({ folder: line.folder });
    {
      await using daemon = first;
      const phone = new Phone(daemon.url);
      await ask(phone, 'one', 'Create a group called Owls with Nova', /create_group, for You:.*!approve 1 /s);
      expect(await line.json('approvals')).toMatchObject({
        approvals: [
          {
            ...{ number: 1, agent: 'atlas', tool: 'create_group', asked_by: 'You', status: 'waiting' },
            input: { name: 'Owls', members: ['Nova'] },
          },
        ],
      });
      expect(await line.parley('approve', '1')).toBe('1 is approved: atlas, create_group.\n');
      await heard(phone, /^Done: the group "Owls" is ready/);
      await ask(phone, 'two', 'Create a group called Cats with Nova', /!approve 2 /);
      await ask(phone, 'three', 'Create a group called Dogs with Nova', /!approve 3 /);
    }
    expect(await line.json('reject', '2', '--reason', 'No cats.')).toEqual({
      ...{ number: 2, agent: 'atlas', tool: 'create_group', status: 'rejected' },
    });
    expect(await line.parley('approve', '3')).toContain('3 is approved');
    await using second = await DaemonProcess.start({ folder: line.folder });
    const phone = new Phone(second.url);
    await heard(phone, /^I may not do that \(create_group\)\. No cats\.$/);
    await heard(phone, /^Done: the group "Dogs" is ready/);
    expect(await line.parley('approvals')).toBe('Nothing waits for approval.\n');
    const all = await line.parley('approvals', '--all');
    expect(all).toMatch(/^1 atlas: create_group, for You; done by \S+\n {4}\{"name":"Owls"/m);
    expect(all).toMatch(/^2 atlas: create_group, for You; rejected by \S+ \(No cats\.\)$/m);
    const again = await line.run(['approve', '2']);
    expect(again).toMatchObject({ code: 65, stdout: '' });
    expect(again.stderr).toContain('2 has been rejected by');
  });

  it('[TOL-03] is on the page until it is decided or its time is up, and the page hears of either', async () => {
    await using stack = new AsyncDisposableStack();
    const clock = new ManualClock();
    const files = { 'parley.json5': SETTINGS.replace("['groups'] }", "['groups'], approvalMinutes: 2880 }") };
    const { config } = started({ files, flags: { port: '0' } });
    const { channel } = stack.adopt(await startDaemon(config, { logger: silentLogger, clock }), (one) => one.stop());
    if (!channel) throw new Error('there is no page');
    const seen: (readonly number[])[] = [];
    channel.subscribe((event: LiveEvent) => {
      if (event.kind === 'waiting') seen.push(event.waiting.map(({ number }) => number));
    });
    const waiting = (): readonly number[] => channel.state().waiting.map(({ number }) => number);
    const hears = (text: RegExp): Promise<void> =>
      expect
        .poll(() => channel.state().messages.some((one) => !one.mine && text.test(one.text)), { timeout: 10_000 })
        .toBe(true);
    for (const [number, name] of [
      [1, 'Owls'],
      [2, 'Cats'],
    ] as const) {
      await channel.say({ id: name, account: 'atlas', text: `Create a group called ${name} with Nova` });
      await hears(new RegExp(`!approve ${number} .*, within 2 days\\.`));
    }
    expect(channel.state().waiting).toMatchObject([
      {
        ...{ number: 1, agent: 'atlas', expiresAt: clock.now() + 48 * 3_600_000 },
        text: expect.stringMatching(/^Atlas wants to use create_group, for You:\n```\n.*"Owls".*\n```$/s),
        choices: [{ id: '!approve 1' }, { id: '!reject 1' }],
      },
      { number: 2 },
    ]);
    await channel.say({ id: 'approve', account: 'atlas', text: '!approve 1' });
    await hears(/^Done: the group "Owls" is ready/);
    expect([waiting(), seen.at(-1)]).toEqual([[2], [2]]);
    clock.advance(48 * 3_600_000);
    // Before anybody has noticed.
    expect(waiting()).toEqual([]);
    await hears(/Nobody has approved it in time\./);
    expect(seen.at(-1)).toEqual([]);
  });
});
