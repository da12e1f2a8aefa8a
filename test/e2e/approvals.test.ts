import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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
});
