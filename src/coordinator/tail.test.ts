import { describe, expect, it } from 'vitest';
import { openTestCoordinator } from '../../test/support/coordinator.ts';

describe('tail', () => {
  it('[SPL-09] tells what happens here and in other processes, as it happens', async () => {
    await using t = await openTestCoordinator('sqlite');
    const other = t.reopen();
    const controller = new AbortController();
    const events = t.coordinator.tail({ signal: controller.signal })[Symbol.asyncIterator]();
    const next = async () => {
      const { value } = await events.next();
      return value && `${value.event} ${value.from} ${value.to} ${value.status}`;
    };
    const firstEvent = next();
    const { id } = await t.coordinator.send({ from: 'alice', to: 'bob', subject: 'Hi' });
    expect(await firstEvent).toBe('accepted alice bob queued');
    const secondEvent = next();
    await other.poll('bob');
    t.clock.advance(250);
    expect(await secondEvent).toBe('claimed alice bob leased');
    const thirdEvent = next();
    await other.ack(id, 'bob');
    t.clock.advance(250);
    expect(await thirdEvent).toBe('settled alice bob acked');
    const end = events.next();
    controller.abort();
    expect((await end).done).toBe(true);
    await Promise.all([t.coordinator.close(), other.close()]);
    expect(t.clock.armed).toBe(0);
  });

  it('[SPL-09] of one agent, of one conversation', async () => {
    await using t = await openTestCoordinator('sqlite');
    const ofCarol = t.coordinator.tail({ agent: 'carol' })[Symbol.asyncIterator]();
    const ofTalk = t.coordinator.tail({ conversation: 'talk' })[Symbol.asyncIterator]();
    const [carol, talk] = [ofCarol.next(), ofTalk.next()];
    await t.coordinator.send({ from: 'alice', to: 'bob' });
    await t.coordinator.send({ from: 'alice', to: 'bob', routing: { conversation_id: 'talk' } });
    await t.coordinator.send({ from: 'carol', to: 'bob' });
    expect((await carol).value).toMatchObject({ from: 'carol', to: 'bob' });
    expect((await talk).value).toMatchObject({ conversation: 'talk' });
    const ends = [ofCarol.next(), ofTalk.next()];
    await t.coordinator.close();
    expect((await Promise.all(ends)).map(({ done }) => done)).toEqual([true, true]);
  });
});
