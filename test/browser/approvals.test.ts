import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fastify from 'fastify';
import type { Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { PERSON } from '../../src/channels/local/local-channel.ts';
import { loadPage } from '../../src/channels/local/page-assets.ts';
import { newPhone } from '../../src/channels/local/phone.fixture.ts';
import { localRoutes } from '../../src/channels/local/routes.ts';
import { CommandLine } from '../cli/parley.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { openBrowser, openWindow, PhonePage } from './phone-page.ts';

const SETTINGS = {
  provider: 'demo',
  agents: [
    { id: 'atlas', name: 'Atlas', tools: { approve: ['groups'], approvalMinutes: 120 } },
    { id: 'nova', name: 'Nova' },
  ],
};

interface Fixture extends AsyncDisposable {
  readonly line: CommandLine;
  readonly parley: DaemonProcess;
  readonly phone: PhonePage;
}

/** The page of an agent that may make groups when somebody has approved it. */
async function start(settings: object = {}): Promise<Fixture> {
  await using stack = new AsyncDisposableStack();
  const line = stack.use(new CommandLine());
  writeFileSync(join(line.folder, 'parley.json5'), JSON.stringify({ ...SETTINGS, ...settings }));
  const parley = stack.use(await DaemonProcess.start({ folder: line.folder }));
  const phone = await PhonePage.open(await openWindow(stack.use(await openBrowser())), parley.url);
  const cleanup = stack.move();
  return { line, parley, phone, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}

/** Asks for a group, and waits until the request for it is shown. */
async function askFor(phone: PhonePage, group: string): Promise<Locator> {
  await phone.openChat('Atlas');
  await phone.say(`Create a group called ${group} with Nova`);
  const notice = phone.page.getByTestId('bubble').filter({ hasText: `"name": "${group}"` });
  await notice.waitFor();
  return notice;
}

const button = (within: Locator, label: string): Locator =>
  within.getByRole('button', { name: new RegExp(`^${label}`) });
const waiting = (phone: PhonePage): Locator => phone.page.getByRole('region', { name: 'Waiting for approval' });
const states = (notice: Locator): Promise<boolean[]> =>
  Promise.all(['Approve', 'Reject'].map((label) => button(notice, label).isDisabled()));

describe('a request for approval on the page', () => {
  it('[TOL-03] is approved by its button, and cannot be again, also after a reload', async () => {
    await using t = await start();
    const { phone } = t;
    const owls = await askFor(phone, 'Owls');
    const cats = await askFor(phone, 'Cats');
    expect(await owls.locator('.text').textContent()).toContain('!approve 1 or !reject 1 [why], within 2 hours.');
    expect(await button(owls, 'Approve').getAttribute('aria-label')).toBe('Approve: !approve 1');
    await button(owls, 'Approve').click();
    await phone.isAnswered('Done: the group "Owls" is ready');
    expect((await phone.said()).map(({ text }) => text)).toContain('1 is approved: Atlas, create_group.');
    expect([await states(owls), await states(cats)]).toEqual([
      [true, true],
      [false, false],
    ]);
    await phone.page.reload();
    await phone.isLive();
    expect([await states(owls), await states(cats)]).toEqual([
      [true, true],
      [false, false],
    ]);
    await button(cats, 'Reject').click();
    await phone.isAnswered('I may not do that (create_group).');
    expect(await states(cats)).toEqual([true, true]);
    phone.expectNoComplaints();
  });

  it('[TOL-03] is decided with the keyboard', async () => {
    await using t = await start();
    const { phone } = t;
    const notice = await askFor(phone, 'Owls');
    await phone.composer.focus();
    await phone.page.keyboard.press('Shift+Tab');
    const reject = button(notice, 'Reject');
    expect(await reject.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await reject.evaluate((element) => element.matches(':focus-visible'))).toBe(true);
    await phone.page.keyboard.press('Enter');
    await phone.isAnswered('I may not do that (create_group).');
    // The person goes on writing.
    expect(await phone.composer.evaluate((element) => element === document.activeElement)).toBe(true);
    phone.expectNoComplaints();
  });

  it('[TOL-03] is in the list of what waits until it is decided, wherever that is', async () => {
    await using t = await start();
    const { phone, line } = t;
    expect(await waiting(phone).count()).toBe(0);
    const owls = await askFor(phone, 'Owls');
    await askFor(phone, 'Cats');
    await phone.openChat('Nova');
    const lines = waiting(phone).getByTestId('waiting-request');
    expect(await lines.locator('summary').allTextContents()).toEqual([
      expect.stringMatching(/^1: Atlas wants to use create_group, for You: until .*\d\d:\d\d$/),
      expect.stringMatching(/^2: Atlas wants to use create_group, for You: until .*\d\d:\d\d$/),
    ]);
    // Nobody decides without having looked.
    expect(await button(lines.first(), 'Approve').count()).toBe(0);
    await lines.first().locator('summary').focus();
    await phone.page.keyboard.press('Enter');
    await lines.first().getByText('"name": "Owls"').waitFor();
    // In the chat of the agent that asks, where the answer comes.
    await button(lines.first(), 'Approve').click();
    await phone.page.getByRole('heading', { name: 'Atlas', level: 2 }).waitFor();
    await phone.isAnswered('Done: the group "Owls" is ready');
    await expect.poll(() => lines.count()).toBe(1);
    expect(await states(owls)).toEqual([true, true]);
    expect(await line.parley('reject', '2')).toContain('2 is rejected');
    await expect.poll(() => waiting(phone).count()).toBe(0);
    await phone.isAnswered('I may not do that (create_group).');
    phone.expectNoComplaints();
  });

  it('[TOL-03] [ADM-01] cannot be decided by who may not', async () => {
    await using t = await start({ admins: ['+15550177'] });
    const { phone, line } = t;
    await phone.openChat('Atlas');
    await phone.say('Create a group called Owls with Nova');
    await expect.poll(async () => (await line.parley('approvals')).includes('create_group')).toBe(true);
    for (const reload of [false, true]) {
      if (reload) await phone.page.reload();
      await phone.isLive();
      expect(await waiting(phone).count()).toBe(0);
      expect(await phone.page.getByRole('button', { name: 'Approve: ', disabled: false }).count()).toBe(0);
    }
    phone.expectNoComplaints();
  });

  it('[TOL-03] can be pressed no more when it waits no more, also after a reload', async () => {
    await using stack = new AsyncDisposableStack();
    const { channel, clock, waiting: requests } = newPhone();
    const app = stack.adopt(fastify(), (server) => server.close());
    await app.register(localRoutes(channel, { clock, page: await loadPage(), offers: [], suggestions: [] }));
    await channel.start(async () => 'accepted');
    const request = { number: 1, agent: 'atlas', text: 'May I?', choices: [{ id: '!approve 1', label: 'Approve' }] };
    const peer = { kind: 'dm', id: PERSON.id } as const;
    const chat = { peer, speaker: { id: 'atlas', name: 'Atlas' }, text: 'May I?', choices: request.choices };
    await channel.send({ id: 'm1', account: 'atlas', chat });
    requests.push({ ...request, expiresAt: clock.now() + 60_000 });
    const window = await openWindow(stack.use(await openBrowser()));
    const phone = await PhonePage.open(window, await app.listen({ host: '127.0.0.1', port: 0 }));
    const approve = phone.page.getByTestId('bubble').getByRole('button', { name: 'Approve: !approve 1' });
    expect([await approve.isEnabled(), await waiting(phone).count()]).toEqual([true, 1]);
    requests.pop();
    channel.waitingChanged();
    await expect.poll(() => approve.isEnabled()).toBe(false);
    await phone.page.reload();
    await phone.isLive();
    expect([await approve.isEnabled(), await waiting(phone).count()]).toEqual([false, 0]);
    phone.expectNoComplaints();
  });
});
