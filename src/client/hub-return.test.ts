import { describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/daemon-process.ts';
import { openHub } from '../../test/support/hub.ts';
import { atHub, join, task } from '../../test/support/joined-agent.ts';
import { ScriptedHub } from '../../test/support/scripted-hub.ts';
import { Wire } from '../../test/support/wire.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { HUB_CLOSE } from '../protocol/hub-frames.ts';

describe('an agent whose hub is away', () => {
  it('[HUB-04] comes back with its session, and does no task twice', async () => {
    await using hub = await ScriptedHub.open();
    const done: string[] = [];
    await using joined = join(
      { url: hub.url, secret: 'word' },
      {
        onTask: async ({ requestId }) => {
          done.push(requestId);
          return `done: ${requestId}`;
        },
      },
    );
    const first = await hub.connection();
    expect(await first.register('mine')).toEqual({ type: 'register', name: 'worker', secret: 'word' });
    first.say(task('t1'), task('t1'));
    const answer = { type: 'task-response', requestId: 't1', response: 'done: t1' };
    expect(await first.next()).toEqual(answer);
    first.say(task('t1'));
    expect(await first.next()).toEqual(answer);
    first.cut();
    const second = await hub.connection();
    expect(await second.register('mine')).toMatchObject({ session: 'mine' });
    second.say(task('t1'), task('t2'));
    expect([await second.next(), (await second.next())['requestId']]).toEqual([answer, 't2']);
    second.say(task('t1', 'something else under the same id'));
    expect(await second.next()).toEqual(answer);
    expect(done).toEqual(['t1', 't2', 't1']);
    expect(joined.states.map(({ status }) => status)).toEqual(['connected', 'waiting', 'connecting', 'connected']);
  });

  it('[HUB-04] answers what it had in hand when it is back', async () => {
    await using hub = await ScriptedHub.open();
    const work = Promise.withResolvers<string>();
    await using joined = join({ url: hub.url }, { onTask: () => work.promise });
    const first = await hub.connection();
    await first.register();
    first.say(task('t1'));
    await joined.entered('connected');
    first.cut();
    const second = await hub.connection();
    await second.register();
    second.say(task('t1'));
    await joined.entered('connected');
    work.resolve('late');
    expect(await second.next()).toEqual({ type: 'task-response', requestId: 't1', response: 'late' });
  });

  it('[HUB-04] is not refused when its place was taken', async () => {
    await using hub = await ScriptedHub.open();
    await using joined = join({ url: hub.url, clock: new ManualClock() });
    const connection = await hub.connection();
    await connection.register();
    await joined.agent.ready;
    connection.close(HUB_CLOSE.notRegistered, 'Taken over by a new connection.');
    expect((await joined.entered('waiting')).error.code).toBe('unavailable');
  });

  it('[HUB-04] tries for ever, less and less often', async () => {
    const clock = new ManualClock();
    const port = await freePort();
    await using joined = join({ url: `http://127.0.0.1:${port}`, clock, random: () => 0.5 });
    const waits: number[] = [];
    while (waits.length < 9) {
      const { retryInMs, error } = await joined.entered('waiting');
      expect(error.code).toBe('unavailable');
      waits.push(retryInMs);
      clock.advance(retryInMs);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    await expect(joined.agent.send('a', 'x')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('[HUB-04] begins anew with the waiting when a connection has lasted', async () => {
    const clock = new ManualClock();
    await using hub = await ScriptedHub.open();
    await using joined = join({ url: hub.url, clock, random: () => 0.5 });
    const waits: number[] = [];
    for (const lastedMs of [0, 0, 29_999, 30_000]) {
      const connection = await hub.connection();
      await connection.register();
      await joined.entered('connected');
      clock.advance(lastedMs);
      connection.cut();
      const { retryInMs } = await joined.entered('waiting');
      waits.push(retryInMs);
      clock.advance(retryInMs);
    }
    expect(waits).toEqual([250, 500, 1_000, 250]);
  });

  it('[HUB-04] notices within 90 s that nobody is there any more, and takes its own place', async () => {
    const clock = new ManualClock();
    await using hub = await openHub();
    await using wire = await Wire.to(hub.url);
    await using joined = join({ ...atHub(wire.url), clock });
    const { agentId } = await joined.agent.ready;
    wire.freeze();
    const lost = joined.agent.send('worker', 'into the dark');
    for (let i = 0; i < 3; i++) clock.advance(30_000);
    await expect(lost).rejects.toMatchObject({ code: 'unavailable' });
    expect(await joined.entered('waiting')).toMatchObject({ error: { message: 'The hub gave no sign of life.' } });
    wire.thaw();
    clock.advance(0);
    const again = await joined.entered('connected');
    expect(again.agentId).not.toBe(agentId);
    expect(await joined.client.agents()).toMatchObject([{ id: again.agentId }]);
  });

  it('[HUB-04] stays while the hub answers', async () => {
    const clock = new ManualClock();
    await using hub = await openHub();
    await using joined = join({ ...atHub(hub.url), clock });
    await joined.agent.ready;
    for (let i = 0; i < 4; i++) {
      clock.advance(30_000);
      await joined.agent.send('worker', i);
    }
    expect(joined.states.map(({ status }) => status)).toEqual(['connected']);
  });

  it('[HUB-03] gives up a hub that says nothing to a registration', async () => {
    const clock = new ManualClock();
    await using hub = await ScriptedHub.open();
    await using joined = join({ url: hub.url, clock });
    await (await hub.connection()).next();
    clock.advance(15_000);
    expect((await joined.entered('waiting')).error.message).toBe('The hub did not answer in time.');
    clock.advance(0);
    await (await hub.connection()).register();
    await joined.agent.ready;
  });
});
