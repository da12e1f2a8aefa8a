import { describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/daemon-process.ts';
import { openHub } from '../../test/support/hub.ts';
import { atHub, join, task } from '../../test/support/joined-agent.ts';
import { ScriptedHub } from '../../test/support/scripted-hub.ts';
import { openTestSpool } from '../../test/support/spool.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { HUB_CLOSE } from '../protocol/hub-frames.ts';
import type { JoinOptions } from './hub-connection.ts';
import { HubError } from './hub-error.ts';
import type { HubTask } from './hub-frames.ts';

describe('an agent on a hub', () => {
  it('[HUB-03] registers, does tasks, and hears of others', async () => {
    await using hub = await openHub();
    const event = Promise.withResolvers<unknown>();
    const heard = Promise.withResolvers<unknown>();
    await using one = join(atHub(hub.url), {
      name: 'one',
      workspace: 'lab',
      skills: ['counting'],
      onEvent: event.resolve,
      onMessage: (from, message) => heard.resolve([from, message]),
    });
    const { agentId } = await one.agent.ready;
    expect(one.agent.state).toEqual({ status: 'connected', agentId });
    await using two = join(atHub(hub.url), { name: 'two' });
    await two.agent.ready;
    expect(await two.client.agents()).toMatchObject([
      { id: agentId, name: 'one', workspace: 'lab', skills: ['counting'] },
      { name: 'two', workspace: '', skills: [] },
    ]);
    expect(await two.client.task('one', 'count')).toBe('done: count');
    await two.agent.send('one', { n: [1, null] });
    expect(await heard.promise).toEqual(['two', { n: [1, null] }]);
    expect(await event.promise).toEqual({ event: 'agent-joined', name: 'two', workspace: '', skills: [] });
  });

  it('[HUB-03] may answer nothing', async () => {
    await using hub = await openHub();
    await using joined = join(atHub(hub.url), { onTask: () => Object.create(null).nothing });
    await joined.agent.ready;
    expect(await joined.client.task('worker', 'x')).toBeNull();
  });

  it.each<[string, JoinOptions['onTask'], string]>([
    ['throws', () => Promise.reject(new Error('no paper')), 'no paper'],
    ['throws nothing to read', () => Promise.reject(new Error('')), 'The task failed.'],
    ['answers too much', () => 'x'.repeat(1024 * 1024), 'at most 1048576 bytes'],
  ])('[HUB-03] that %s has failed', async (_what, onTask, reason) => {
    await using hub = await openHub();
    await using joined = join(atHub(hub.url), { onTask });
    await joined.agent.ready;
    await expect(joined.client.task('worker', 'x')).rejects.toMatchObject({
      code: 'agent-failed',
      status: 502,
      message: expect.stringContaining(reason),
    });
  });

  it('[HUB-03] says how far a task is', async () => {
    await using hub = await ScriptedHub.open();
    await using joined = join(
      { url: hub.url },
      {
        onTask: (_task, { progress }) => {
          progress({ percent: 50 });
          return 'done';
        },
      },
    );
    const connection = await hub.connection();
    await connection.register();
    await joined.agent.ready;
    connection.say(task('t1'));
    expect(await connection.next()).toEqual({ type: 'task-progress', requestId: 't1', progress: { percent: 50 } });
    expect(await connection.next()).toEqual({ type: 'task-response', requestId: 't1', response: 'done' });
  });

  it('[HUB-03] is told when its message cannot be delivered', async () => {
    await using hub = await openHub();
    const error = Promise.withResolvers<string>();
    await using joined = join(atHub(hub.url), { onError: error.resolve });
    await joined.agent.ready;
    await joined.agent.send('nobody', 'hello');
    expect(await error.promise).toMatch(/nobody is not connected/);
  });

  it('[HUB-03] gets messages as deep as the hub takes them', async () => {
    await using hub = await openHub();
    const heard = Promise.withResolvers<unknown>();
    await using joined = join(atHub(hub.url), { onMessage: (_from, message) => heard.resolve(message) });
    await joined.agent.ready;
    const deepest = JSON.parse(`${'['.repeat(64)}${']'.repeat(64)}`);
    await joined.agent.send('worker', deepest);
    expect(await heard.promise).toEqual(deepest);
    await expect(joined.agent.send('worker', [deepest])).rejects.toMatchObject({ code: 'too-large' });
  });

  it('[HUB-03] knows of every message whether the hub has read it', async () => {
    const clock = new ManualClock();
    await using hub = await ScriptedHub.open();
    await using joined = join({ url: hub.url, clock });
    const connection = await hub.connection();
    await connection.register();
    await joined.agent.ready;
    // More than may be sent at once: some of them still wait.
    const sending = Promise.allSettled(Array.from({ length: 200 }, (_, n) => joined.agent.send('nova', n)));
    expect(await connection.next()).toEqual({ type: 'agent-message', target: 'nova', message: 0 });
    await connection.ping();
    connection.say({ type: 'pong' });
    connection.close(1001, 'The hub stops.');
    const outcomes = (await sending).map(({ status }) => status);
    expect([outcomes[0], ...new Set(outcomes.slice(1))]).toEqual(['fulfilled', 'rejected']);
    await joined.agent.stop();
    expect(clock.armed).toBe(0);
  });

  it('[HUB-03] takes no sign of life for the answer to a message', async () => {
    const clock = new ManualClock();
    await using hub = await ScriptedHub.open();
    const told: string[] = [];
    await using joined = join({ url: hub.url, clock }, { onError: (text) => told.push(text) });
    const connection = await hub.connection();
    await connection.register();
    await joined.agent.ready;
    clock.advance(30_000);
    const sent = joined.agent.send('nova', 'x').then(() => told.push('read'));
    for (let i = 0; i < 2; i++) await connection.ping();
    connection.say({ type: 'pong' }, { type: 'error', error: 'not yet' }, { type: 'pong' });
    await sent;
    expect(told).toEqual(['not yet', 'read']);
  });

  it('[HUB-06] does not keep more than it can send', async () => {
    await using hub = await ScriptedHub.open();
    await using joined = join({ url: hub.url, clock: new ManualClock() });
    await (await hub.connection()).register();
    await joined.agent.ready;
    const long = 'x'.repeat(1024 * 1024 - 2);
    const sending = Promise.allSettled(Array.from({ length: 19 }, () => joined.agent.send('nova', long)));
    await expect(joined.agent.send('nova', 'x')).rejects.toMatchObject({ code: 'full' });
    await joined.agent.stop(AbortSignal.abort());
    await sending;
  });
});

describe('an agent that is refused', () => {
  it('[HUB-03] for its secret, says so, and tries again once a minute', async () => {
    const clock = new ManualClock();
    await using hub = await openHub();
    await using joined = join({ url: hub.url, secret: 'wrong', clock });
    await expect(joined.agent.ready).rejects.toMatchObject({ code: 'refused', message: 'The secret is wrong.' });
    expect(await joined.entered('refused')).toMatchObject({ error: { code: 'refused' }, retryInMs: 60_000 });
    hub.secrets.replace(['wrong']);
    clock.advance(59_999);
    expect(joined.agent.state.status).toBe('refused');
    clock.advance(1);
    await joined.entered('connected');
  });

  it('[HUB-04] for a name that somebody else has', async () => {
    const clock = new ManualClock();
    await using hub = await openHub();
    await using holder = join(atHub(hub.url));
    await holder.agent.ready;
    await using joined = join({ ...atHub(hub.url), clock });
    await expect(joined.agent.ready).rejects.toThrow(/name is in use/);
    await holder.agent.stop();
    clock.advance(60_000);
    await joined.entered('connected');
  });

  it('[HUB-03] for a name that cannot be one', async () => {
    await using hub = await openHub();
    await using joined = join({ ...atHub(hub.url), clock: new ManualClock() }, { name: 'no name' });
    await expect(joined.agent.ready).rejects.toThrow(/^name must be a name of at most 64 letters/);
  });

  it.each([
    [HUB_CLOSE.full, 'full'],
    [HUB_CLOSE.tooManyConnections, 'rate-limited'],
    [HUB_CLOSE.tooFast, 'rate-limited'],
  ])('[HUB-03] with %i is in no hurry: %s', async (code, expected) => {
    const clock = new ManualClock();
    await using hub = await ScriptedHub.open();
    await using joined = join({ url: hub.url, clock });
    (await hub.connection()).close(code, 'Not now.');
    const { error, retryInMs } = await joined.entered('waiting');
    expect([error.code, error.message, retryInMs]).toEqual([expected, 'Not now.', 5_000]);
  });
});

describe('an agent that stops', () => {
  it('[RUN-04] answers first what it has in hand, and takes nothing new', async () => {
    const clock = new ManualClock();
    await using hub = await ScriptedHub.open();
    const work = Promise.withResolvers<string>();
    const given = Promise.withResolvers<void>();
    const done: string[] = [];
    const onTask = async ({ requestId }: HubTask): Promise<string> => {
      done.push(requestId);
      given.resolve();
      return work.promise;
    };
    const told = Promise.withResolvers<string>();
    const joined = join({ url: hub.url, clock }, { onTask, onError: told.resolve });
    const connection = await hub.connection();
    await connection.register();
    connection.say(task('t1'));
    await given.promise;
    const stopped = joined.agent.stop();
    connection.say(task('t2'), { type: 'error', error: 'that was all' });
    expect(await told.promise).toBe('that was all');
    work.resolve('done');
    expect(await connection.next()).toEqual({ type: 'task-response', requestId: 't1', response: 'done' });
    await connection.ping();
    connection.say({ type: 'pong' });
    await stopped;
    expect(await connection.closed).toBe(1000);
    expect([done, joined.agent.state.status, clock.armed]).toEqual([['t1'], 'stopped', 0]);
    await joined.agent.stop();
  });

  it('[RUN-04] does not wait for ever for a hub that does not read', async () => {
    const clock = new ManualClock();
    await using hub = await ScriptedHub.open();
    const joined = join({ url: hub.url, clock });
    const connection = await hub.connection();
    for (let i = 0; i < 2; i++) connection.say({ type: 'registered', agentId: 'a', message: 'Welcome.', session: 's' });
    await joined.agent.ready;
    const stopped = joined.agent.stop();
    await connection.ping();
    clock.advance(5_000);
    await stopped;
    expect(clock.armed).toBe(0);
  });

  it('[RUN-04] [HUB-07] gives up what it has in hand when it is told to, and the hub gives it again', async () => {
    await using store = openTestSpool();
    await using hub = await openHub({ spool: store.spool });
    const given = Promise.withResolvers<AbortSignal>();
    const first = join(atHub(hub.url), {
      onTask: async (_task, { signal }) => {
        given.resolve(signal);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        throw new Error('given up');
      },
    });
    await first.agent.ready;
    const id = await first.client.queue('worker', 'x');
    const signal = await given.promise;
    await first.agent.stop(AbortSignal.abort());
    expect(signal.aborted).toBe(true);
    await using second = join(atHub(hub.url));
    await second.agent.ready;
    await expect.poll(() => second.client.taskStatus(id)).toMatchObject({ status: 'done', response: 'done: x' });
  });

  it('[RUN-04] before it was ever registered', async () => {
    const clock = new ManualClock();
    await using hub = await ScriptedHub.open();
    const joined = join({ url: hub.url, clock });
    await hub.connection();
    await joined.agent.stop();
    await expect(joined.agent.ready).rejects.toBeInstanceOf(HubError);
    expect(clock.armed).toBe(0);
  });

  it('[RUN-04] while it waits to try again', async () => {
    const clock = new ManualClock();
    const joined = join({ url: `http://127.0.0.1:${await freePort()}`, clock });
    await joined.entered('waiting');
    await joined.agent.stop();
    expect([joined.agent.state.status, clock.armed]).toEqual(['stopped', 0]);
  });
});
