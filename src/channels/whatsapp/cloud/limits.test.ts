import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GraphError } from '../../../../test/support/graph-api/errors.ts';
import { ACCOUNT, type CloudChanges, type CloudFixture, departure, ended, openCloud, text } from './cloud.fixture.ts';
import { INVITED_MS, WINDOW_MS } from './sender.ts';

let cloud: CloudFixture;

async function open(changes: CloudChanges = {}): Promise<void> {
  cloud = await openCloud(changes);
  await cloud.start();
  cloud.api.business.openWindow(cloud.person);
}
async function reopen(changes: CloudChanges): Promise<void> {
  await cloud[Symbol.asyncDispose]();
  await open(changes);
}
beforeEach(() => open());
afterEach(() => cloud[Symbol.asyncDispose]());

const send = (id: string, body = 'hello') => ended(cloud.channel.send(departure(id, { text: body })));
const requests = () => cloud.api.business.taken.map(({ request }) => request);
const later = { kind: 'later' };
const sent = { kind: 'sent' };

describe('what is to be chosen from', () => {
  it('[WHA-02] [TOL-03] waits for an answer to the template too', async () => {
    await reopen({ templates: ['ask'], template: { name: 'ask', language: 'en_US' } });
    await cloud.api.say(cloud.person, text('hello'));
    cloud.clock.advance(WINDOW_MS);
    const notice = departure('d1', { text: 'May I?', choices: [{ id: '!approve 1', label: 'Approve' }] });
    expect(await cloud.channel.send(notice)).toMatchObject(later);
    await cloud.api.say(cloud.person, text('yes?'));
    expect(await cloud.channel.send(notice)).toEqual(sent);
    expect(requests().map(({ type }) => type)).toEqual(['template', 'interactive']);
  });
});

describe('an answer to the template', () => {
  it('[WHA-05] brings nothing of what waits: the person has not seen it', async () => {
    const said = () => ({ peer: { kind: 'dm' as const, id: '+15550100' }, text: 'May I?', sender: 'Atlas' });
    await reopen({ templates: ['ask'], template: { name: 'ask', language: 'en_US' }, said });
    expect(await send('d1')).toMatchObject(later);
    const [template] = cloud.api.business.taken;
    await cloud.api.say(cloud.person, text('yes?'), { answers: template?.id ?? '' });
    expect(cloud.arrivals.at(-1)?.chat).toHaveProperty('replyTo');
    expect(cloud.arrivals.at(-1)?.chat).not.toHaveProperty('quoted');
    await cloud.api.say(cloud.person, text('yes?'), { answers: 'wamid.OTHER' });
    expect(cloud.arrivals.at(-1)?.chat).toHaveProperty('quoted');
  });
});

describe('24 hours after the last message of a person', () => {
  const writeAndWait = async (ms: number) => {
    await cloud.api.say(cloud.person, text('hello'));
    cloud.clock.advance(ms);
  };

  it('[WHA-02] they can be written to until the last millisecond', async () => {
    await writeAndWait(WINDOW_MS - 1);
    expect(await send('d1')).toEqual(sent);
  });

  it('[WHA-02] what is for them is refused in words, without asking', async () => {
    await writeAndWait(WINDOW_MS);
    expect(await send('d1')).toMatchObject({ kind: 'refused', reason: expect.stringContaining('24 hours') });
    expect(cloud.api.business.asked).toBe(0);
  });

  it('[WHA-02] WhatsApp decides where nothing is known', async () => {
    cloud.clock.advance(WINDOW_MS);
    expect(await send('d1')).toMatchObject({ kind: 'refused', reason: expect.stringContaining('24 hours') });
    expect(cloud.api.business.asked).toBe(1);
  });

  it('[WHA-02] a message that the gate refuses opens the window of somebody who is known, and leaves no trace of others', async () => {
    await writeAndWait(WINDOW_MS);
    await cloud.start(async () => 'refused');
    await cloud.api.say(cloud.person, text('too long'));
    expect(await send('d1')).toEqual(sent);
    await cloud.api.say(cloud.api.business.addPerson({ phone: '15550102' }), text('let me in'));
    expect(cloud.store.lastInbound(ACCOUNT, '+15550102')).toBeNull();
    expect(cloud.store.holder(ACCOUNT, '+15550102')).toBeNull();
  });

  it('[WHA-02] a clock that is ahead does not keep the window open longer', async () => {
    await cloud.api.say(cloud.person, text('hello'), { at: cloud.clock.now() + WINDOW_MS });
    cloud.clock.advance(WINDOW_MS);
    expect(await send('d1')).toMatchObject({ kind: 'refused' });
    expect(cloud.api.business.asked).toBe(0);
  });

  it('[WHA-02] with a template they are asked once to answer, and what is for them waits until they do', async () => {
    await reopen({ templates: ['ask_to_answer'], template: { name: 'ask_to_answer', language: 'en' } });
    await writeAndWait(WINDOW_MS);
    for (let i = 0; i < 5; i++) {
      expect(await send('d1')).toMatchObject(later);
      cloud.clock.advance(600_000);
    }
    expect(requests()).toMatchObject([
      { type: 'template', template: { name: 'ask_to_answer', language: { code: 'en' } } },
    ]);
    await cloud.api.say(cloud.person, text('yes?'));
    expect(await send('d1')).toEqual(sent);
    expect(requests().map(({ type }) => type)).toEqual(['template', 'text']);
  });

  it('[WHA-02] they are asked, too, when they have never written, and not for ever', async () => {
    await reopen({ templates: ['ask_to_answer'], template: { name: 'ask_to_answer', language: 'en' } });
    for (let i = 0; i < 3; i++) expect(await send('d1')).toMatchObject(later);
    expect(requests().map(({ type }) => type)).toEqual(['template']);
    cloud.clock.advance(INVITED_MS);
    expect(await send('d1')).toMatchObject({ kind: 'refused', reason: expect.stringContaining('has not') });
  });

  it('[WHA-02] they are not asked over and over when WhatsApp does not deliver the template', async () => {
    await reopen({ templates: ['ask_to_answer'], template: { name: 'ask_to_answer', language: 'en' } });
    await send('d1');
    const [message] = cloud.api.business.taken;
    if (message) await cloud.api.tell(message, 'failed', new GraphError(131049));
    expect(await send('d1')).toMatchObject(later);
    expect(requests()).toHaveLength(1);
    expect(cloud.statuses).toMatchObject([{ departure: 'd1', status: 'failed' }]);
  });

  it('[WHA-02] they are asked, too, when only WhatsApp knows that the time is over', async () => {
    await reopen({ templates: ['ask_to_answer'], template: { name: 'ask_to_answer', language: 'en' } });
    await cloud.api.say(cloud.person, text('hello'));
    cloud.api.faults.fail(131047);
    expect(await send('d1')).toMatchObject(later);
    expect(requests().map(({ type }) => type)).toEqual(['template']);
  });

  it('[WHA-02] what WhatsApp took all the same is told when it could not be delivered', async () => {
    await reopen({ refusesBy: 'webhook' });
    cloud.clock.advance(WINDOW_MS);
    expect(await send('d1')).toEqual(sent);
    const [message] = cloud.api.business.taken;
    if (message) await cloud.api.tell(message, 'failed', new GraphError(131047));
    expect(cloud.statuses).toMatchObject([
      { departure: 'd1', status: 'failed', reason: expect.stringContaining('24 hours (131047)') },
    ]);
  });

  it('[WHA-02] a template that WhatsApp does not know is told', async () => {
    await reopen({ templates: [], template: { name: 'ask_to_answer', language: 'en' } });
    await writeAndWait(WINDOW_MS);
    expect(await send('d1')).toMatchObject({ kind: 'refused', reason: expect.stringContaining('template') });
  });
});

describe('an error of WhatsApp', () => {
  it.each([
    [130429, 429, 5_000],
    [80007, 400, 5_000],
    [4, 400, 5_000],
    [131048, 400, 60_000],
    [131016, 503, 10_000],
  ])(
    '[WHA-02] %i makes the whole account wait, longer each time until it works again',
    async (code, status, baseMs) => {
      const { api, clock } = cloud;
      const delayOf = (outcome: object): number => ('delayMs' in outcome ? Number(outcome.delayMs) : Number.NaN);
      api.faults.fail(code, { status, count: 2 });
      const firstMs = delayOf(await send('d1'));
      expect(await send('d2')).toMatchObject(later);
      expect(api.business.asked).toBe(1);
      clock.advance(firstMs);
      const secondMs = delayOf(await send('d1'));
      expect([firstMs <= baseMs, secondMs <= 2 * baseMs, secondMs >= baseMs]).toEqual([true, true, true]);
      clock.advance(secondMs);
      expect([await send('d1'), await send('d2')]).toEqual([sent, sent]);
      api.faults.fail(code, { status });
      expect(delayOf(await send('d3'))).toBeLessThanOrEqual(baseMs);
    },
  );

  it('[WHA-02] 131056 makes one chat wait, and no other', async () => {
    const ben = cloud.api.business.addPerson({ phone: '15550101' });
    cloud.api.business.openWindow(ben);
    for (let count = 0; count < 45; count++) expect(await send(`d${count}`)).toEqual(sent);
    const slowed = await send('d45');
    expect(slowed).toMatchObject({ ...later, reason: expect.stringContaining('too fast to the same person') });
    expect(await cloud.channel.send(departure('b1', { text: 'hello' }, '+15550101'))).toEqual(sent);
    cloud.clock.advance(6_000);
    expect(await send('d45')).toEqual(sent);
  });

  it.each([190, 10, 200, 131005, 131031, 131042, 133010])(
    '[WHA-02] %i is nothing that is wrong with the message: it waits, and whoever runs the account is told',
    async (code) => {
      cloud.api.faults.fail(code, { status: 400 });
      expect(await send('d1')).toMatchObject(later);
      expect(cloud.log.lines.filter((line) => line.includes('"level":"error"'))).toHaveLength(1);
      cloud.clock.advance(60_000);
      expect(await send('d1')).toEqual(sent);
    },
  );

  it.each([131026, 100, 131051, 131009, 131049, 132001, 999_999])('[WHA-02] %i is final, in words', async (code) => {
    cloud.api.faults.fail(code, { status: 400, details: 'The details.' });
    const outcome = await send('d1');
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/^[a-z].{10,}: The details\.$/i) });
    expect(outcome).toMatchObject({ reason: expect.stringContaining(`(${code})`) });
  });

  it.each([131000, 1, 999_999])('[WHA-02] %i of a server that failed is tried again', async (code) => {
    cloud.api.faults.fail(code, { status: 500 });
    expect(await send('d1')).toMatchObject({ code: 'CHANNEL_SEND_FAILED' });
    expect(await send('d1')).toEqual(sent);
  });

  it('[WHA-02] [SEC-05] has no token in it, not even where WhatsApp quotes it', async () => {
    const accessToken = 'a-token-nobody-knows';
    const { phoneNumberId } = cloud.number;
    await reopen({ accounts: [{ id: ACCOUNT, phoneNumberId, accessToken }] });
    expect(await send('d1')).toMatchObject({ ...later, reason: expect.stringContaining('Malformed access token …') });
    await cloud.api.say(cloud.person, text('hello'));
    cloud.channel.typing(ACCOUNT, { kind: 'dm', id: '+15550100' }, true);
    await cloud.channel.stop();
    expect(cloud.log.lines.length).toBeGreaterThan(1);
    expect(cloud.log.lines.join()).not.toContain(accessToken);
  });
});
