import { describe, expect, it } from 'vitest';
import { HUB_TEST_SECRET, type HubFixture, openHub } from '../../test/support/hub.ts';
import { mailbox, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import { HubClient } from '../client/index.ts';
import { agentId } from '../domain/addresses.ts';
import { type AgentCard, READS_ENVELOPES } from '../domain/agent-card.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { NewMessage } from '../domain/message.ts';
import { assignmentResultId, TASK, type TaskAnswer, taskResult } from '../domain/task.ts';
import { continueTrace } from '../domain/trace.ts';
import { silentLogger } from '../lib/logger.ts';
import { writeEnvelope } from '../protocol/envelope.ts';
import { draftOf, SIGNING_AND_SEALING } from '../protocol/envelope-fixtures.ts';
import { SqliteRegistry } from '../registry/sqlite-registry.ts';
import { HubMembership } from './hub-membership.ts';

const MARK = 'ai-comms/1.0';
const MINUTE_MS = 60_000;
const ATLAS = agentId('atlas');

const cardOf = (id: string, changes: Partial<AgentCard> = {}): AgentCard => ({
  id: agentId(id),
  name: id,
  capabilities: ['sums'],
  device: 'desk',
  transport: 'sqlite',
  phone: null,
  provider: 'demo',
  metadata: READS_ENVELOPES,
  ...changes,
});

interface Member extends AsyncDisposable {
  readonly membership: HubMembership;
  readonly registry: SqliteRegistry;
  /** How often the registry has come to know somebody. */
  readonly met: () => number;
}

interface Joining {
  readonly url?: string;
  readonly secret?: string;
  readonly agents?: readonly string[];
}

/** A process with an agent, Atlas, that is on the hub from now on. */
async function join(t: SpoolFixture, { url = '', secret = HUB_TEST_SECRET, agents = ['atlas'] }: Joining) {
  const { spool, clock } = t;
  const registry = new SqliteRegistry(t.db, { clock });
  const cards = agents.map((id) => cardOf(id));
  for (const card of cards) await registry.register(card);
  let met = 0;
  const membership = new HubMembership({
    url,
    client: new HubClient({ url, secret, random: () => 0 }),
    cards,
    spool,
    directory: registry,
    keys: SIGNING_AND_SEALING,
    met: () => met++,
    logger: silentLogger,
    clock,
  });
  const member: Member = {
    membership,
    registry,
    met: () => met,
    [Symbol.asyncDispose]: () => membership.stop(AbortSignal.abort()),
  };
  return member;
}

/** Also waits until it has looked who is there. */
async function joined(t: SpoolFixture, { url }: HubFixture, others: number, agents?: string[]): Promise<Member> {
  const member = await join(t, { url, ...(agents && { agents }) });
  const there = `Hub ${url}: connected, ${others === 1 ? '1 other agent' : `${others} other agents`} there`;
  await expect.poll(() => member.membership.status()).toBe(there);
  return member;
}

const give = (hub: HubFixture, message: string, more: object = {}) =>
  hub.ask('/task', { body: { agent: 'atlas', message, sender: 'admin', ...more } });

/** Does with the next message for Atlas what an agent would. */
async function handle(t: SpoolFixture, settle: (delivery: Delivery) => Settlement): Promise<Delivery> {
  const [delivery] = await t.spool.claim(mailbox('atlas'), { wait: true });
  if (!delivery) throw new Error('the spool was closed');
  await t.spool.settle(delivery.lease, settle(delivery));
  return delivery;
}

const answering =
  (answer: TaskAnswer) =>
  ({ message }: Delivery): Settlement => {
    const result: NewMessage = {
      id: assignmentResultId(message.id, ATLAS),
      from: mailbox('atlas'),
      deliveries: [{ to: message.from }],
      conversation: message.conversation,
      replyTo: message.id,
      ...taskResult(answer),
      trace: continueTrace(message.trace, message.id, message.trace.budget),
    };
    return { kind: 'ack', outputs: [result] };
  };

const waiting = async ({ spool }: SpoolFixture, agent: string) =>
  (await spool.claim(mailbox(agent), { limit: 10 })).map(({ message }) => message);

describe('an agent on a hub', () => {
  it('[HUB-05] is found there, with its skills, and as one that takes envelopes', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using _atlas = await joined(t, hub, 0);
    const { body } = await hub.ask('/agents');
    expect(body['agents']).toMatchObject([{ name: 'atlas', workspace: 'desk', skills: ['sums', MARK] }]);
  });

  it('[HUB-05] takes an envelope when it is durable here: once, and with how it came', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using _atlas = await joined(t, hub, 0);
    const envelope = writeEnvelope(draftOf('hello'), SIGNING_AND_SEALING);
    for (let time = 0; time < 2; time++) {
      expect((await give(hub, envelope)).body).toMatchObject({ success: true, response: { accepted: true } });
    }
    expect(await waiting(t, 'atlas')).toMatchObject([
      { from: 'agent:atlas_001', body: envelope, payload: { type: 'envelope', data: { via: { transport: 'hub' } } } },
    ]);
  });

  it('[HUB-05] [GRP-03] takes an envelope for a group in the mailbox of each of its members here', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using _both = await joined(t, hub, 0, ['atlas', 'bolt']);
    await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBe(2);
    const envelope = writeEnvelope(draftOf('hello'), SIGNING_AND_SEALING);
    for (const agent of ['atlas', 'bolt']) {
      expect((await give(hub, envelope, { agent })).status).toBe(200);
      expect(await waiting(t, agent)).toMatchObject([{ body: envelope }]);
    }
  });

  it.each<[string, TaskAnswer, object]>([
    ['its answer', { ok: true, text: '42' }, { success: true, response: '42' }],
    ['why there is none', { ok: false, error: 'no wings' }, { success: false, error: 'no wings' }],
  ])('[HUB-05] [TEM-02] is given a task by somebody else, who gets %s', async (_what, answer, reply) => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using _atlas = await joined(t, hub, 0);
    const [{ body }, { message }] = await Promise.all([give(hub, 'six times seven'), handle(t, answering(answer))]);
    expect(body).toMatchObject(reply);
    expect(message).toMatchObject({
      from: 'system:hub:atlas',
      body: 'six times seven',
      payload: { type: TASK, data: { sender: 'admin' } },
      trace: { budget: { turns: 4 } },
    });
  });

  it('[HUB-05] [SPL-02] that gives a task up says why', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using _atlas = await joined(t, hub, 0);
    const given = give(hub, 'six times seven');
    await handle(t, () => ({ kind: 'term', reason: 'it has crashed ten times' }));
    expect((await given).body).toMatchObject({ success: false, error: 'it has crashed ten times' });
  });

  it('[HUB-05] [SPL-02] that finds no time for a task in an hour says so, and does not do it then', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using _atlas = await joined(t, hub, 0);
    const given = give(hub, 'six times seven');
    await expect.poll(() => t.spool.stats().deliveries.queued).toBe(1);
    t.clock.advance(60 * MINUTE_MS + 1);
    expect(await waiting(t, 'atlas')).toEqual([]);
    expect((await given).body).toMatchObject({ success: false, error: 'it came too late' });
  });

  it('[HUB-05] [SPL-05] is given a task again after a restart, and answers with what it made of it', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    {
      await using _atlas = await joined(t, hub, 0);
      await Promise.all([give(hub, 'add', { id: 'mine' }), handle(t, answering({ ok: true, text: '42' }))]);
    }
    await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBe(0);
    await using _atlas = await joined(t, hub, 0);
    expect((await give(hub, 'add', { id: 'mine' })).body).toMatchObject({ success: true, response: '42' });
    expect(await waiting(t, 'atlas')).toEqual([]);
  });

  it('[HUB-05] [HUB-07] does a task once that it had begun before a restart, and answers it after', async () => {
    await using t = openTestSpool();
    await using own = openTestSpool();
    await using hub = await openHub(own);
    {
      await using _atlas = await joined(t, hub, 0);
      await give(hub, 'add', { id: 'mine', queue: true });
      await expect.poll(() => t.spool.stats().deliveries.queued).toBe(1);
    }
    await using _atlas = await joined(t, hub, 0);
    await handle(t, answering({ ok: true, text: '42' }));
    expect((await hub.ask('/tasks/mine?wait=60')).body).toMatchObject({ status: 'done', response: '42' });
    expect(await waiting(t, 'atlas')).toEqual([]);
  });

  it('[HUB-05] takes another task under the same id for another', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using _atlas = await joined(t, hub, 0);
    for (const text of ['one', 'two']) {
      const [{ body }, { message }] = await Promise.all([
        give(hub, text, { id: 'mine' }),
        handle(t, (delivery) => answering({ ok: true, text: `did ${delivery.message.body}` })(delivery)),
      ]);
      expect([message.body, body['response']]).toEqual([text, `did ${text}`]);
    }
  });

  it('[HUB-05] stops at once when it has to, and leaves what it has not answered to the hub', async () => {
    await using t = openTestSpool();
    await using hub = await openHub({ taskTimeoutMs: 200 });
    const { membership } = await joined(t, hub, 0);
    const given = give(hub, 'six times seven');
    await expect.poll(() => t.spool.stats().deliveries.queued).toBe(1);
    await membership.stop(AbortSignal.abort());
    expect((await given).body['success']).toBe(false);
    expect(t.clock.armed).toBe(0);
    expect(await waiting(t, 'atlas')).toMatchObject([{ body: 'six times seven' }]);
  });
});

describe('the others on a hub', () => {
  it('[HUB-05] are known to the registry, and as what they are', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await hub.join('crow', { workspace: 'tree', skills: ['flying'] });
    await hub.join('nova', { skills: ['research', MARK] });
    await using atlas = await joined(t, hub, 2);
    expect(atlas.registry.get(agentId('crow'))).toMatchObject({
      name: 'crow',
      capabilities: ['flying'],
      device: 'tree',
      transport: 'hub',
      metadata: {},
      status: 'active',
    });
    expect(atlas.registry.get(agentId('nova'))).toMatchObject({
      capabilities: ['research'],
      metadata: READS_ENVELOPES,
    });
    expect(atlas.met()).toBe(2);
  });

  it('[HUB-05] are known as soon as they come', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using atlas = await joined(t, hub, 0);
    await hub.join('crow');
    await expect.poll(() => atlas.registry.get(agentId('crow'))).toMatchObject({ transport: 'hub' });
    await expect.poll(() => atlas.membership.status()).toContain('1 other agent there');
    expect(atlas.met()).toBe(1);
  });

  it('[HUB-05] [DSC-03] are active for as long as they are there', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    const crow = await hub.join('crow');
    await hub.join('nova', { skills: [MARK] });
    await using atlas = await joined(t, hub, 2);
    const statusOf = (agent: string) => atlas.registry.get(agentId(agent))?.status;
    const lastSeen = (agent: string) => atlas.registry.get(agentId(agent))?.lastSeen;
    for (let minute = 0; minute < 6; minute++) {
      t.clock.advance(MINUTE_MS);
      await expect.poll(() => [lastSeen('crow'), lastSeen('nova')]).toEqual([t.clock.now(), t.clock.now()]);
    }
    crow.socket.terminate();
    await expect.poll(() => atlas.membership.status()).toContain('1 other agent there');
    for (let minute = 0; minute < 6; minute++) {
      t.clock.advance(MINUTE_MS);
      await expect.poll(() => lastSeen('nova')).toBe(t.clock.now());
    }
    expect([statusOf('crow'), statusOf('nova')]).toEqual(['inactive', 'active']);
  });

  it('[HUB-05] [DSC-01] are greeted once, if they take envelopes', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await hub.join('crow');
    await hub.join('nova', { skills: [MARK] });
    await using atlas = await joined(t, hub, 2);
    await expect.poll(() => t.spool.stats().messages).toBe(1);
    // A newcomer greets by itself.
    await hub.join('bolt', { skills: [MARK] });
    await expect.poll(() => atlas.membership.status()).toContain('3 other agents there');
    t.clock.advance(MINUTE_MS);
    await expect.poll(() => atlas.registry.get(agentId('bolt'))?.lastSeen).toBe(t.clock.now());
    expect(t.spool.stats().messages).toBe(1);
    const [greeting] = await waiting(t, 'nova');
    expect(greeting).toMatchObject({ from: 'agent:atlas', subject: 'announce' });
    expect(greeting?.body).not.toContain('desk');
  });

  it('[HUB-05] [PRO-03] stay what they have said of themselves, also while somebody else has their name there', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    const said = cardOf('nova', { name: 'Nova Prime', capabilities: ['poems'], transport: 'hub', device: 'moon' });
    const registry = new SqliteRegistry(t.db, { clock: t.clock });
    await registry.register(said);
    const since = t.clock.now();
    t.clock.advance(MINUTE_MS);
    {
      using _impostor = await hub.join('nova', { skills: ['research'] });
      await hub.join('crow');
      await using _atlas = await joined(t, hub, 1);
      expect(registry.get(said.id)).toMatchObject({ ...said, lastSeen: since });
    }
    await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBe(1);
    await hub.join('nova', { skills: ['research', MARK] });
    await using _atlas = await joined(t, hub, 2);
    expect(registry.get(said.id)).toMatchObject({ ...said, lastSeen: t.clock.now() });
  });

  it('[HUB-05] [PRO-03] that begin to take envelopes are written to in envelopes', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using atlas = await joined(t, hub, 0);
    {
      using _plain = await hub.join('nova');
      await expect.poll(() => atlas.registry.get(agentId('nova'))?.metadata).toEqual({});
    }
    await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBe(1);
    await hub.join('nova', { skills: [MARK] });
    await expect.poll(() => atlas.registry.get(agentId('nova'))?.metadata).toEqual(READS_ENVELOPES);
  });

  it.each(['sqlite', 'http', 'whatsapp'])(
    '[HUB-05] [REL-01] that are reached in another way (%s) stay so, and are not greeted here',
    async (transport) => {
      await using t = openTestSpool();
      await using hub = await openHub();
      const registry = new SqliteRegistry(t.db, { clock: t.clock });
      await registry.register(cardOf('nova', { transport }));
      await hub.join('nova', { skills: [MARK, 'lies'] });
      await hub.join('crow');
      await using atlas = await joined(t, hub, 1);
      expect(registry.get(agentId('nova'))).toMatchObject({ transport, capabilities: ['sums'] });
      expect([atlas.met(), t.spool.stats().messages]).toEqual([1, 0]);
    },
  );

  it('[HUB-05] are not the agents of the same process', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using atlas = await joined(t, hub, 0, ['atlas', 'bolt']);
    await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBe(2);
    // It was elsewhere before.
    await atlas.registry.register(cardOf('bolt', { transport: 'hub' }));
    await hub.join('crow');
    await expect.poll(() => atlas.membership.status()).toContain('1 other agent there');
    t.clock.advance(MINUTE_MS);
    await expect.poll(() => atlas.registry.get(agentId('crow'))?.lastSeen).toBe(t.clock.now());
    expect(atlas.registry.get(agentId('bolt'))?.lastSeen).toBe(t.clock.now() - MINUTE_MS);
  });
});

describe('the line about the hub in !agents', () => {
  it('[HUB-05] says why there is no connection', async () => {
    await using t = openTestSpool();
    await using hub = await openHub();
    await using wrong = await join(t, { url: hub.url, secret: 'wrong' });
    expect(wrong.membership.status()).toBe(`Hub ${hub.url}: not connected yet`);
    await expect.poll(() => wrong.membership.status()).toMatch(/: not connected: .*secret/i);
    await hub.stop();
    await using gone = await join(t, { url: hub.url });
    await expect.poll(() => gone.membership.status()).toMatch(/: not connected: \S/);
  });
});
