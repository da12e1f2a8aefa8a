import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TestRelay } from '../../test/support/relay.ts';
import { temporaryFolder } from '../../test/support/spool.ts';
import type { Coordinator } from './coordinator.ts';
import { openCoordinator } from './open.ts';

const NOWHERE = 'http://127.0.0.1:9';

/** A coordinator with Alice here, who has a secret, and Dave, who has none; Bob and Carol are at the relay. */
async function openBeside(relay: TestRelay, url: string) {
  const folder = temporaryFolder();
  const coordinator = openCoordinator({
    projectRoot: folder.path,
    relaySecret: (agent) => relay.secretOf(agent),
    clock: relay.spool.clock,
  });
  for (const id of ['alice', 'dave']) await coordinator.registry.register({ id, capabilities: [], device: 'here' });
  for (const id of ['bob', 'carol']) await moveTo(coordinator, id, url);
  return {
    coordinator,
    async [Symbol.asyncDispose]() {
      await coordinator.close();
      folder.remove();
    },
  };
}

const moveTo = (coordinator: Coordinator, id: string, url: string): Promise<void> =>
  coordinator.registry.register({
    id,
    capabilities: [],
    device: 'remote',
    transport: 'http',
    metadata: { relay_url: url },
  });

const polledSchema = z.array(z.object({ body: z.string() }));

const bodiesFor = async (relay: TestRelay, agent: string): Promise<string[]> =>
  polledSchema.parse((await relay.poll(agent)).body['messages']).map(({ body }) => body);

describe('the coordinator and agents on a relay', () => {
  it('[REL-01] [REL-04] hands a message over at once', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    await using t = await openBeside(relay, await relay.listen());
    const { id } = await t.coordinator.send({ from: 'alice', to: 'bob', body: 'Hello' });
    expect(t.coordinator.status(id)?.deliveries).toMatchObject([{ to: 'bob', status: 'acked' }]);
    expect(await bodiesFor(relay, 'bob')).toEqual(['Hello']);
  });

  it('[REL-04] a message waits for a relay that is down, and goes with the next one when it is back', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    await using t = await openBeside(relay, NOWHERE);
    const { id } = await t.coordinator.send({ from: 'alice', to: 'bob', body: 'one' });
    expect(t.coordinator.status(id)?.deliveries).toMatchObject([
      { status: 'queued', attempts: 0, reason: expect.stringContaining(NOWHERE) },
    ]);
    await moveTo(t.coordinator, 'bob', await relay.listen());
    relay.spool.clock.advance(60_000);
    await t.coordinator.send({ from: 'alice', to: 'bob', body: 'two' });
    expect(await bodiesFor(relay, 'bob')).toEqual(['one', 'two']);
  });

  it('[REL-04] what has to wait holds up what comes after it in its conversation, and nothing else', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    await using t = await openBeside(relay, NOWHERE);
    const say = (body: string, conversation: string) =>
      t.coordinator.send({ from: 'alice', to: 'bob', body, routing: { conversation_id: conversation } });
    await say('one', 'long');
    await moveTo(t.coordinator, 'bob', await relay.listen());
    await say('two', 'long');
    await say('other', 'short');
    expect(await bodiesFor(relay, 'bob')).toEqual(['other']);
    relay.spool.clock.advance(1_000);
    const { id } = await say('three', 'long');
    expect(t.coordinator.status(id)?.deliveries).toMatchObject([{ status: 'acked' }]);
    for (const body of ['one', 'two', 'three']) {
      const polled = (await relay.poll('bob')).body['messages'];
      const [received, ...others] = z.array(z.object({ id: z.string(), body: z.string() })).parse(polled);
      expect([received?.body, others]).toEqual([body, []]);
      await relay.post('bob', 'ack', { message_id: received?.id });
    }
  });

  it('[REL-04] what the relay refuses is a dead letter after its attempts', async () => {
    await using relay = await TestRelay.open(['alice']);
    await using t = await openBeside(relay, await relay.listen());
    const { id } = await t.coordinator.send({ from: 'alice', to: 'bob' });
    for (let i = 0; i < 2; i++) {
      relay.spool.clock.advance(60_000);
      await t.coordinator.send({ from: 'alice', to: 'bob' });
    }
    expect(t.coordinator.status(id)?.deliveries).toMatchObject([
      { status: 'failed', reason: expect.stringContaining('no mailbox') },
    ]);
  });

  it('[REL-03] [SEC-05] without a secret nothing is stored, and nobody here gets it', async () => {
    await using relay = await TestRelay.open(['bob']);
    await using t = await openBeside(relay, await relay.listen());
    await expect(t.coordinator.send({ from: 'dave', to: 'bob' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(t.coordinator.stats().total_messages).toBe(0);
    await expect(t.coordinator.poll('bob')).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('[REL-01] [REL-04] a broadcast goes to agents here and there', async () => {
    await using relay = await TestRelay.open(['alice', 'bob', 'carol']);
    await using t = await openBeside(relay, await relay.listen());
    const { to } = await t.coordinator.send({ from: 'alice', to: '*', body: 'All' });
    expect(to).toEqual(['bob', 'carol', 'dave']);
    expect(await t.coordinator.poll('dave')).toMatchObject([{ message: { body: 'All' } }]);
    for (const agent of ['bob', 'carol']) expect(await bodiesFor(relay, agent)).toEqual(['All']);
  });
});
