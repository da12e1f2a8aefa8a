import { describe, expect, it } from 'vitest';
import { draft, mailbox, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import { agentId, messageId } from '../domain/addresses.ts';
import type { AgentCard } from '../domain/agent-card.ts';
import { ParleyError } from '../domain/errors.ts';
import { silentLogger } from '../lib/logger.ts';
import { SqliteRegistry } from '../registry/sqlite-registry.ts';
import { Forwarding } from './forwarding.ts';

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
async function forwardingFrom(t: SpoolFixture) {
  const directory = new SqliteRegistry(t.db, { clock: t.clock });
  await directory.register(bob);
  const state: { failure: Error | null; tries: number; delivered: string[] } = {
    failure: null,
    tries: 0,
    delivered: [],
  };
  const deliver = async ({ id }: { id: string }): Promise<null> => {
    state.tries++;
    if (state.failure) throw state.failure;
    state.delivered.push(id);
    return null;
  };
  const start = () =>
    new Forwarding({
      spool: t.spool,
      directory,
      links: new Map([['http', { link: { deliver }, concurrency: 1 }]]),
      keys: null,
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
