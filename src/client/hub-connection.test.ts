import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/daemon-process.ts';
import { HUB_TEST_SECRET, openHub } from '../../test/support/hub.ts';
import { ScriptedHub } from '../../test/support/scripted-hub.ts';
import { openTestSpool } from '../../test/support/spool.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { HUB_CLOSE } from '../protocol/hub-frames.ts';
import { HubClient, type HubClientOptions } from './hub-client.ts';
import type { HubConnection, HubState, JoinOptions } from './hub-connection.ts';
import { HubError } from './hub-error.ts';
import type { HubTask } from './hub-frames.ts';

interface Joined extends AsyncDisposable {
  readonly client: HubClient;
  readonly agent: HubConnection;
  readonly states: HubState[];
  /** The next state of this kind that no call has taken yet. */
  entered<S extends HubState['status']>(status: S): Promise<Extract<HubState, { status: S }>>;
}

/** An agent that tells its states. It is in no hurry unless a test says so, and answers `done: …`. */
function join(options: HubClientOptions, joining: Partial<JoinOptions> = {}): Joined {
  const states: HubState[] = [];
  let taken = 0;
  let more = Promise.withResolvers<void>();
  const client = new HubClient({ random: () => 0, ...options });
  const agent = client.join({
    name: 'worker',
    onTask: ({ message }) => `done: ${message}`,
    ...joining,
    onState: (state) => {
      states.push(state);
      more.resolve();
      more = Promise.withResolvers();
    },
  });
  return {
    client,
    agent,
    states,
    entered: async (status) => {
      const isIt = (state: HubState): state is Extract<HubState, { status: typeof status }> => state.status === status;
      for (;;) {
        const state = states[taken];
        if (!state) await more.promise;
        else {
          taken += 1;
          if (isIt(state)) return state;
        }
      }
    },
    [Symbol.asyncDispose]: () => agent.stop(AbortSignal.abort()),
  };
}

const atHub = (url: string): HubClientOptions => ({ url, secret: HUB_TEST_SECRET });

/** A task on the wire. */
const task = (requestId: string, message = 'x') => ({ type: 'task', requestId, message, sender: 'admin' }) as const;

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
});

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
    await connection.register();
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

/** A wire to a hub that can go dead without anybody being told. */
class Wire implements AsyncDisposable {
  readonly #server: Server;
  readonly #ends = new Set<Socket>();
  #isFrozen = false;

  private constructor({ hostname, port }: URL) {
    this.#server = createServer((near) => {
      const far = connect(Number(port), hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#ends.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => this.#isFrozen || to.destroy());
        from.pipe(to);
      }
    });
  }

  static async to(url: string): Promise<Wire> {
    const wire = new Wire(new URL(url));
    await once(wire.#server.listen(0, '127.0.0.1'), 'listening');
    return wire;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  /** From now on nothing gets through. */
  freeze(): void {
    this.#isFrozen = true;
    for (const end of this.#ends) end.unpipe().pause();
  }

  /** Again for those who connect from now on. */
  thaw(): void {
    this.#isFrozen = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) end.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
