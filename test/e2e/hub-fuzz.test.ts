import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ManualClock } from '../../src/lib/manual-clock.ts';
import { HUB_TEST_SECRET, type HubClient, type HubFixture, openHub } from '../support/hub.ts';
import { openTestSpool } from '../support/spool.ts';

const REGISTERED = 6_000;
const UNREGISTERED = 1_000;
const BODIES = 3_000;
const AT_ONCE = 10;
/** Long enough for every allowance to fill up again, short enough for nobody to count as dead. */
const MEANWHILE_MS = 60_000;

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom(null, '', 0, -1, 1e308, [], {}, '__proto__', 'a', 'honest', HUB_TEST_SECRET),
);
const field = fc.constantFrom(
  ...['name', 'workspace', 'skills', 'secret', 'session', 'requestId', 'response', 'error', 'progress'],
  ...['target', 'message', 'agent', 'sender', 'queue', 'id', '__proto__', 'constructor', 'toString'],
);
const type = fc.constantFrom(
  ...[
    'register',
    'task-response',
    'task-error',
    'task-progress',
    'agent-message',
    'ping',
    'pong',
    'registered',
    'event',
  ],
);
const nearly = fc.tuple(type, fc.dictionary(field, anything)).map(([type, fields]) => ({ type, ...fields }));
const text = fc.oneof(
  { weight: 6, arbitrary: nearly.map((frame) => JSON.stringify(frame)) },
  { weight: 2, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.tuple(nearly, fc.nat()).map(([frame, n]) => JSON.stringify(frame).slice(0, n % 60)) },
);
const frame = fc.oneof(
  { weight: 9, arbitrary: text },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
);
const body = fc.tuple(
  fc.constantFrom('/task', '/broadcast'),
  fc.oneof(
    text,
    fc.dictionary(field, anything).map((b) => JSON.stringify(b)),
  ),
);

const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number, seed: number): T[] =>
  fc.sample(arbitrary, { numRuns: count, seed });

const chunks = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / AT_ONCE) }, (_, n) => items.slice(n * AT_ONCE, (n + 1) * AT_ONCE));

describe(`a hub that gets ${REGISTERED + UNREGISTERED} frames and ${BODIES} bodies which nobody meant`, () => {
  const seed = Date.now() % 1_000_000;
  let clock: ManualClock;

  /** Whatever came before: an agent and its task are served. */
  async function expectService(hub: HubFixture, honest: HubClient): Promise<void> {
    honest.send({ type: 'ping' });
    await honest.next('pong');
    expect((await hub.ask('/task', { body: { agent: 'honest', message: 'x' } })).body['response'], `seed ${seed}`).toBe(
      'done: x',
    );
  }

  async function attacked(attack: (hub: HubFixture, meanwhile: () => Promise<void>) => Promise<void>): Promise<void> {
    await using t = await openTestSpool();
    clock = t.clock;
    await using hub = await openHub({ spool: t.spool, clock, taskTimeoutMs: 1_000 });
    const honest = await hub.join('honest');
    honest.answerAll();
    await attack(hub, async () => {
      await honest.settled();
      honest.frames.length = 0;
      clock.advance(MEANWHILE_MS);
    });
    await expectService(hub, honest);
    await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBeLessThanOrEqual(2);
  }

  it('[HUB-06] [SEC-05] goes on: from an agent', { timeout: 120_000 }, async () => {
    await attacked(async (hub, meanwhile) => {
      let attacker = await hub.join('attacker');
      for (const frames of chunks(sample(frame, REGISTERED, seed))) {
        for (const each of frames) attacker.send(each);
        await attacker.settled();
        attacker.frames.length = 0;
        await meanwhile();
        if (attacker.socket.readyState !== attacker.socket.OPEN) attacker = await hub.join('attacker');
      }
    });
  });

  it('[HUB-06] [SEC-05] goes on: from nobody in particular', { timeout: 120_000 }, async () => {
    await attacked(async (hub, meanwhile) => {
      for (const frames of chunks(sample(frame, UNREGISTERED, seed))) {
        const strangers = await Promise.all(frames.map(() => hub.connect()));
        for (const [n, stranger] of strangers.entries()) stranger.send(frames[n]);
        // One that happens to know the secret and a name is no stranger any more.
        await Promise.all(strangers.map((stranger) => stranger.next('registered').catch(() => stranger.closed)));
        for (const stranger of strangers) stranger.socket.terminate();
        await meanwhile();
      }
    });
  });

  it('[HUB-02] [HUB-06] goes on: over HTTP', { timeout: 120_000 }, async () => {
    await attacked(async (hub, meanwhile) => {
      const statuses = new Set<number>();
      for (const bodies of chunks(sample(body, BODIES, seed))) {
        const replies = await Promise.all(bodies.map(([path, body]) => hub.ask(path, { body })));
        for (const { status } of replies) statuses.add(status);
        await meanwhile();
      }
      const known = [200, 202, 400, 404, 409];
      expect(
        [...statuses].filter((status) => !known.includes(status)),
        `seed ${seed}`,
      ).toEqual([]);
    });
  });
});
