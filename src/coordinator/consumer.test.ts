import { describe, expect, it } from 'vitest';
import { first, openTestCoordinator } from '../../test/support/coordinator.ts';
import { deriveId } from '../lib/ids.ts';
import type { Consumed } from './consumer.ts';
import type { Coordinator } from './coordinator.ts';

const nextOf = async (messages: AsyncGenerator<Consumed>): Promise<Consumed> => {
  const { value } = await messages.next();
  if (!value) throw new Error('the loop has ended');
  return value;
};
const statusOf = (coordinator: Coordinator, id: string): string | undefined =>
  coordinator.status(id)?.deliveries[0]?.status;

describe.each(['sqlite', 'file'] as const)('consuming on %s', (transport) => {
  const open = () => openTestCoordinator(transport);
  const send = async (coordinator: Coordinator, body = ''): Promise<string> =>
    (await coordinator.send({ from: 'alice', to: 'bob', body })).id;

  it('[SPL-03] each message comes once, is acked, and what it gave rise to is sent', async () => {
    await using t = await open();
    const ids = [await send(t.coordinator, '1'), await send(t.coordinator, '2')];
    const seen: string[] = [];
    for await (const received of t.coordinator.consume('bob')) {
      seen.push(received.message.id);
      await received.ack([{ from: 'bob', to: 'carol', body: `did ${received.message.body}` }]);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(ids);
    const results = await t.coordinator.poll('carol');
    expect(results.map(({ message }) => message.body)).toEqual(['did 1', 'did 2']);
    expect(results.map(({ message }) => message.routing.conversation_id)).toEqual(
      ids.map((id) => t.coordinator.status(id)?.message.routing.conversation_id),
    );
    expect(t.clock.armed).toBeLessThanOrEqual(1);
  });

  it('[SPL-06] what is said again after a repeat is not sent twice', async () => {
    await using t = await open();
    await send(t.coordinator);
    const output = { from: 'bob', to: 'carol', body: 'done' };
    const one = t.coordinator.consume('bob', { leaseSeconds: 10 });
    const received = await nextOf(one);
    // As after a crash between the two steps: the output is there, and the message is not acked.
    const { id } = received.message;
    await t.coordinator.send({ ...output, id: deriveId('msg', id, 'bob', 0) });
    await one.return();
    const two = t.coordinator.consume('bob');
    await (await nextOf(two)).ack([output]);
    await two.return();
    expect(await t.coordinator.poll('carol')).toHaveLength(1);
    expect(statusOf(t.coordinator, id)).toBe('acked');
  });

  it('[SPL-03] an output in the name of another is refused, and the message is still in hand', async () => {
    await using t = await open();
    await send(t.coordinator);
    const messages = t.coordinator.consume('bob');
    const received = await nextOf(messages);
    await expect(received.ack([{ from: 'alice', to: 'carol' }])).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    await received.ack();
    expect(statusOf(t.coordinator, received.message.id)).toBe('acked');
    await messages.return();
  });

  it('[SPL-03] the lease is extended for as long as the work takes', async () => {
    await using t = await open();
    const id = await send(t.coordinator);
    const messages = t.coordinator.consume('bob', { leaseSeconds: 10 });
    const received = await nextOf(messages);
    for (let second = 0; second < 60; second += 5) {
      t.clock.advance(5_000);
      // A write of ours comes after those that the timer has begun.
      await t.coordinator.registry.heartbeat('carol');
    }
    expect(await t.coordinator.poll('bob')).toEqual([]);
    await received.ack();
    expect(statusOf(t.coordinator, id)).toBe('acked');
    await messages.return();
  });

  it('[RUN-04] leaving the loop hands back what is not settled, at no cost of attempts', async () => {
    await using t = await open();
    await send(t.coordinator);
    for await (const received of t.coordinator.consume('bob')) {
      expect(received.attempt).toBe(1);
      break;
    }
    expect(first(await t.coordinator.poll('bob')).attempt).toBe(1);
  });

  it('[RUN-04] aborting ends a loop that waits, and hands back what is in hand', async () => {
    await using t = await open();
    await send(t.coordinator);
    const controller = new AbortController();
    const messages = t.coordinator.consume('bob', { concurrency: 2, signal: controller.signal });
    await nextOf(messages);
    const waiting = messages.next();
    controller.abort();
    expect((await waiting).done).toBe(true);
    expect(first(await t.coordinator.poll('bob')).attempt).toBe(1);
  });

  it('[RUN-04] so does closing, for the next process', async () => {
    await using t = await open();
    await send(t.coordinator);
    const messages = t.coordinator.consume('bob');
    await nextOf(messages);
    await t.coordinator.close();
    expect((await messages.next()).done).toBe(true);
    expect(first(await t.reopen().poll('bob')).attempt).toBe(1);
  });

  it('[SPL-02] a loop that goes on without settling fails the attempt', async () => {
    await using t = await open();
    const id = await send(t.coordinator);
    const attempts: number[] = [];
    const messages = t.coordinator.consume('bob');
    for (let attempt = 1; attempt <= 3; attempt++) attempts.push((await nextOf(messages)).attempt);
    const rest = messages.next();
    await send(t.coordinator, 'another');
    t.clock.advance(250);
    expect((await rest).value?.message.body).toBe('another');
    expect(attempts).toEqual([1, 2, 3]);
    expect(t.coordinator.deadLetters()).toMatchObject([
      { message: { id }, reason: 'the loop went on without settling it' },
    ]);
    await messages.return();
  });

  it('[SPL-02] a nack comes back after a delay that grows, or after the one it names', async () => {
    await using t = await open();
    await send(t.coordinator);
    const messages = t.coordinator.consume('bob');
    await (await nextOf(messages)).nack('busy', 30);
    const again = messages.next();
    t.clock.advance(30_000);
    await t.coordinator.registry.heartbeat('carol');
    t.clock.advance(250);
    const second = (await again).value;
    expect(second?.attempt).toBe(2);
    await second?.nack('busy');
    expect(await t.coordinator.poll('bob')).toEqual([]);
    t.clock.advance(2_000);
    expect(first(await t.coordinator.poll('bob')).attempt).toBe(3);
    await messages.return();
  });

  it('[SPL-03] no more are in hand than it may have', async () => {
    await using t = await open();
    for (let n = 0; n < 3; n++) await send(t.coordinator);
    const messages = t.coordinator.consume('bob', { concurrency: 2 });
    const one = await nextOf(messages);
    await nextOf(messages);
    const third = messages.next();
    expect(t.coordinator.stats().deliveries).toMatchObject({ leased: 2, queued: 1 });
    await one.ack();
    expect((await third).value?.attempt).toBe(1);
    await messages.return();
    expect(t.coordinator.stats().deliveries).toMatchObject({ leased: 0, queued: 2, acked: 1 });
  });

  it('[DSC-03] who waits for messages stays active', async () => {
    await using t = await open();
    const messages = t.coordinator.consume('bob');
    const waiting = messages.next();
    for (let minute = 0; minute < 20; minute++) {
      await t.coordinator.registry.heartbeat('carol');
      t.clock.advance(60_000);
    }
    await t.coordinator.registry.heartbeat('carol');
    expect(t.coordinator.registry.get('bob')?.status).toBe('active');
    expect(t.coordinator.registry.get('alice')?.status).toBe('inactive');
    await send(t.coordinator);
    t.clock.advance(250);
    await (await waiting).value?.ack();
    await messages.return();
  });
});
