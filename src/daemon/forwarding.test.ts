import { describe, expect, it } from 'vitest';
import { draft, mailbox, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import { agentId, messageId } from '../domain/addresses.ts';
import type { AgentCard } from '../domain/agent-card.ts';
import { ParleyError } from '../domain/errors.ts';
import type { NewMessage } from '../domain/message.ts';
import { TASK, type TaskAnswer } from '../domain/task.ts';
import { silentLogger } from '../lib/logger.ts';
import type { ManualClock } from '../lib/manual-clock.ts';
import { ENVELOPE } from '../protocol/ai-comms-1.0.ts';
import { writeEnvelope } from '../protocol/envelope.ts';
import { draftOf, SIGNING_AND_SEALING } from '../protocol/envelope-fixtures.ts';
import type { MessageV2 } from '../protocol/message-v2.ts';
import { SqliteRegistry } from '../registry/sqlite-registry.ts';
import { Forwarding, type ForwardingOptions, type Way } from './forwarding.ts';

const bob: AgentCard = {
  id: agentId('bob'),
  name: 'bob',
  capabilities: [],
  device: 'remote',
  transport: 'http',
  phone: null,
  provider: null,
  metadata: { relay_url: 'http://relay' },
};

const DOWN = new ParleyError('CHANNEL_SEND_FAILED', 'The relay is down.');

/** Forwarding to Bob over a link that does as it is told: what it was told to do, and what was delivered. */
async function forwardingFrom(
  t: SpoolFixture,
  { keys = null, ...way }: Partial<Way> & Partial<Pick<ForwardingOptions, 'keys'>> = {},
) {
  const directory = new SqliteRegistry(t.db, { clock: t.clock });
  await directory.register(bob);
  const state: {
    failure: Error | null;
    answer: TaskAnswer | null;
    tries: number;
    delivered: string[];
    bodies: string[];
  } = { failure: null, answer: null, tries: 0, delivered: [], bodies: [] };
  const deliver = async ({ id, body }: MessageV2): Promise<TaskAnswer | null> => {
    state.tries++;
    if (state.failure) throw state.failure;
    state.delivered.push(id);
    state.bodies.push(body);
    return state.answer;
  };
  const start = () =>
    new Forwarding({
      spool: t.spool,
      directory,
      links: new Map([['http', { link: { deliver }, concurrency: 1, ...way }]]),
      keys,
      logger: silentLogger,
      clock: t.clock,
    });
  return { directory, state, start };
}

const reportOf = (t: SpoolFixture, id: string) => t.spool.status(messageId(id))[0];

async function until(t: SpoolFixture, condition: () => boolean): Promise<void> {
  while (!condition()) await t.settled();
}

describe('forwarding to agents on relays', () => {
  it('[REL-04] hands over what is there, and what comes', async () => {
    await using t = openTestSpool();
    const { state, start } = await forwardingFrom(t);
    await t.spool.send([draft('bob', { id: messageId('before') })]);
    const forwarding = start();
    await until(t, () => reportOf(t, 'before')?.status === 'acked');
    await t.spool.send([draft('bob', { id: messageId('after') }), draft('carol')]);
    await until(t, () => reportOf(t, 'after')?.status === 'acked');
    await forwarding.stop();
    expect(state.delivered).toEqual(['before', 'after']);
  });

  it('[REL-04] while the relay is down messages wait, however long, and it is tried less and less often', async () => {
    await using t = openTestSpool();
    const { state, start } = await forwardingFrom(t);
    state.failure = DOWN;
    await t.spool.send(['one', 'two', 'three'].map((id) => draft('bob', { id: messageId(id), ttlMs: null })));
    const forwarding = start();
    await until(t, () => state.tries === 1);
    for (let second = 0; second < 600; second++) {
      t.clock.advance(1_000);
      for (let i = 0; i < 3; i++) await t.settled();
    }
    // 1, 2, 4 … 60 s, each shortened by up to a half.
    expect(state.tries).toBeGreaterThan(10);
    expect(state.tries).toBeLessThan(40);
    expect(reportOf(t, 'one')).toMatchObject({ reason: 'The relay is down.' });
    state.failure = null;
    for (let second = 0; second < 200; second++) {
      t.clock.advance(1_000);
      for (let i = 0; i < 3; i++) await t.settled();
    }
    await forwarding.stop();
    expect(state.delivered.toSorted()).toEqual(['one', 'three', 'two']);
    for (const id of ['one', 'two', 'three']) expect(reportOf(t, id)).toMatchObject({ status: 'acked', attempts: 1 });
  });

  it('[REL-04] what the relay will never take is a dead letter at once', async () => {
    await using t = openTestSpool();
    const { state, start } = await forwardingFrom(t);
    state.failure = new ParleyError('MESSAGE_INVALID', 'The relay refused it.');
    await t.spool.send([draft('bob', { id: messageId('bad') })]);
    const forwarding = start();
    await until(t, () => reportOf(t, 'bad')?.status === 'failed');
    await forwarding.stop();
    expect(reportOf(t, 'bad')).toMatchObject({ attempts: 1, reason: 'The relay refused it.' });
  });

  it('[REL-04] stops at once while it waits for the relay, and leaves the message for the next start', async () => {
    await using t = openTestSpool();
    const { state, start } = await forwardingFrom(t);
    state.failure = DOWN;
    await t.spool.send([draft('bob', { id: messageId('one') }), draft('bob', { id: messageId('two') })]);
    const forwarding = start();
    await until(t, () => reportOf(t, 'two')?.status === 'leased');
    await forwarding.stop();
    expect([reportOf(t, 'one')?.status, reportOf(t, 'two')?.status]).toEqual(['queued', 'queued']);
  });

  it('[REL-04] serves agents that are registered later, and leaves those alone that have come home', async () => {
    await using t = openTestSpool();
    const { directory, state, start } = await forwardingFrom(t);
    await directory.register({ ...bob, transport: 'sqlite' });
    const forwarding = start();
    await t.spool.send([draft('bob', { id: messageId('one') })]);
    await directory.register(bob);
    t.clock.advance(5_000);
    await until(t, () => reportOf(t, 'one')?.status === 'acked');
    await directory.register({ ...bob, transport: 'sqlite' });
    t.clock.advance(5_000);
    await t.settled();
    await t.spool.send([draft('bob', { id: messageId('two') })]);
    expect(await t.spool.claim(mailbox('bob'))).toMatchObject([{ message: { id: 'two' } }]);
    await forwarding.stop();
    expect(state.delivered).toEqual(['one']);
  });
});

describe('a task for an agent elsewhere', () => {
  const task = (changes: Partial<NewMessage> = {}): NewMessage =>
    draft('bob', {
      id: messageId('task'),
      subject: 'task',
      body: 'fly',
      payload: { type: TASK, data: {} },
      ...changes,
    });

  /** Gives Bob a message, and takes out what its sender hears of it. */
  async function given(t: SpoolFixture, message: NewMessage, { answer, failure }: Given) {
    const { state, start } = await forwardingFrom(t);
    Object.assign(state, { answer: answer ?? null, failure: failure ?? null });
    await t.spool.send([message]);
    const forwarding = start();
    await until(t, () => ['acked', 'failed'].includes(reportOf(t, 'task')?.status ?? ''));
    await forwarding.stop();
    return (await t.spool.claim(mailbox('sender'), { limit: 10 })).map((delivery) => delivery.message);
  }
  interface Given {
    readonly answer?: TaskAnswer;
    readonly failure?: Error;
  }
  const INVALID = new ParleyError('MESSAGE_INVALID', 'It is too long.');

  it.each<[string, Given, { body: string; data: object }]>([
    ['an answer', { answer: { ok: true, text: 'Caw.' } }, { body: 'Caw.', data: { outcome: 'completed' } }],
    [
      'a failure',
      { answer: { ok: false, error: 'no wings' } },
      { body: '', data: { outcome: 'failed', error: 'no wings' } },
    ],
    ['a refusal', { failure: INVALID }, { body: '', data: { outcome: 'failed', error: 'It is too long.' } }],
  ])('[TEM-01] [TEM-02] [REL-01] that ends with %s gives its sender a result', async (_what, how, { body, data }) => {
    await using t = openTestSpool();
    const [result, ...more] = await given(t, task(), how);
    expect(result).toMatchObject({ from: 'agent:bob', replyTo: 'task', conversation: 'conv_test', body });
    expect(result).toMatchObject({ payload: { type: 'task_result', data }, trace: { cause: 'task', hop: 1 } });
    expect(more).toEqual([]);
    expect(reportOf(t, 'task')).toMatchObject({ status: 'acked' });
  });

  it('[SPL-06] has one result, whatever was done twice: its id follows from the task', async () => {
    const ids = [];
    for (const text of ['one', 'two']) {
      await using t = openTestSpool();
      const [result] = await given(t, task(), { answer: { ok: true, text } });
      ids.push(result?.id);
    }
    expect(ids).toEqual([expect.stringMatching(/^msg_/), ids[0]]);
  });

  it('[REL-01] is the only thing that is refused with a result: whatever else is a dead letter', async () => {
    await using t = openTestSpool();
    const message = task({ payload: { type: ENVELOPE, data: {} } });
    expect(await given(t, message, { failure: INVALID })).toEqual([]);
    expect(reportOf(t, 'task')).toMatchObject({ status: 'failed', reason: 'It is too long.' });
  });
});

describe('an envelope that has waited here', () => {
  const KEYS = SIGNING_AND_SEALING;
  const envelope = (clock: ManualClock): string => writeEnvelope(draftOf('hello', { sentAt: clock.now() }), KEYS);
  const timestampOf = (text = '{}'): unknown => JSON.parse(text).timestamp;
  const iso = (at: number): string => new Date(at).toISOString();

  /** What arrives of a message that waited so long. */
  async function arrived(t: SpoolFixture, waitedMs: number, message: Partial<NewMessage>, keys = true) {
    const { state, start } = await forwardingFrom(t, { keys: keys ? KEYS : null });
    await t.spool.send([draft('bob', { id: messageId('one'), payload: { type: ENVELOPE, data: {} }, ...message })]);
    t.clock.advance(waitedMs);
    const forwarding = start();
    await until(t, () => reportOf(t, 'one')?.status === 'acked');
    await forwarding.stop();
    return state.bodies[0];
  }

  it('[PRO-04] [REL-01] is signed anew before it leaves, so that it is not too old where it arrives', async () => {
    await using t = openTestSpool();
    const body = envelope(t.clock);
    const text = await arrived(t, 30_001, { body });
    expect([timestampOf(body), timestampOf(text)]).toEqual([iso(t.clock.now() - 30_001), iso(t.clock.now())]);
    expect(t.spool.message(messageId('one'))?.body).toBe(body);
  });

  it('[PRO-04] leaves as it is when it is fresh, and where nobody has keys to sign it with', async () => {
    for (const [waitedMs, keys] of [
      [30_000, true],
      [3_600_000, false],
    ] as const) {
      await using t = openTestSpool();
      const body = envelope(t.clock);
      expect(await arrived(t, waitedMs, { body }, keys)).toBe(body);
    }
  });

  it('[REL-01] is the only thing that is: a task leaves as it is', async () => {
    await using t = openTestSpool();
    const body = envelope(t.clock);
    expect(await arrived(t, 60_000, { body, payload: { type: TASK, data: {} } })).toBe(body);
  });
});

describe('agents that this process cannot reach, and another can', () => {
  it('[REL-01] are left to that one', async () => {
    await using t = openTestSpool();
    const { directory, state, start } = await forwardingFrom(t, { serves: (id) => id !== bob.id });
    await directory.register({ ...bob, id: agentId('carol'), name: 'carol' });
    await t.spool.send([draft('bob', { id: messageId('one') }), draft('carol', { id: messageId('two') })]);
    const forwarding = start();
    await until(t, () => reportOf(t, 'two')?.status === 'acked');
    await forwarding.stop();
    expect(state.delivered).toEqual(['two']);
    expect(reportOf(t, 'one')).toMatchObject({ status: 'queued', attempts: 0 });
  });
});
