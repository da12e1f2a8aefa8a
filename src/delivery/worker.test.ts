import { describe, expect, it } from 'vitest';
import { draft, mailbox, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import type { Settlement } from '../domain/delivery.ts';
import { ParleyError } from '../domain/errors.ts';
import { silentLogger } from '../lib/logger.ts';
import type { Spool } from '../spool/spool.ts';
import { afterFailure } from './retry-policy.ts';
import { type Handler, Worker } from './worker.ts';

const LEASE_MS = 60_000;
const ACK: Settlement = { kind: 'ack' };

const serve = (t: SpoolFixture, handle: Handler, spool: Spool = t.spool): Worker => {
  const { clock } = t;
  return new Worker({
    spool,
    clock,
    handle,
    mailbox: mailbox('bob'),
    concurrency: 2,
    leaseMs: LEASE_MS,
    logger: silentLogger,
  });
};

/** The spool, but for some of its methods. */
const withFaults = (spool: Spool, faults: Partial<Spool>): Spool =>
  new Proxy(spool, {
    get(target, name) {
      const value = Reflect.get(name in faults ? faults : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

/** Looks again after every transaction; what does not come about in so many never will. */
async function until(t: SpoolFixture, condition: () => boolean): Promise<void> {
  for (let looks = 0; looks < 1_000; looks++) {
    await t.settled();
    if (condition()) return;
  }
  throw new Error('it never came about');
}

/** A handler that holds what it is given until it is let go, or told to stop. */
function holding(): { handle: Handler; held: string[]; aborted: string[]; letGo(): void } {
  const held: string[] = [];
  const aborted: string[] = [];
  const { promise, resolve } = Promise.withResolvers<Settlement>();
  const handle: Handler = ({ message }, signal) => {
    held.push(message.id);
    return new Promise((done, fail) => {
      promise.then(done, fail);
      signal.addEventListener('abort', () => {
        aborted.push(message.id);
        fail(new Error('aborted'));
      });
    });
  };
  return { handle, held, aborted, letGo: () => resolve(ACK) };
}

describe('a worker', () => {
  it('[SPL-02] tries again after a growing pause, and gives up after the last attempt', async () => {
    await using t = openTestSpool();
    const at: number[] = [];
    const worker = serve(t, async () => {
      at.push(t.clock.now());
      throw new Error('broken');
    });
    const message = draft('bob');
    await t.spool.send([message]);
    for (let second = 0; second < 10; second++) {
      await until(t, () => t.spool.stats().deliveries.leased === 0);
      t.clock.advance(500);
    }
    await until(t, () => t.spool.deadLetters().length === 1);
    expect(t.spool.status(message.id)).toMatchObject([{ status: 'failed', attempts: 3, reason: 'broken' }]);
    const [first = 0, second = 0, third = 0] = at;
    expect(second - first).toBeGreaterThanOrEqual(500);
    expect(third - second).toBeGreaterThanOrEqual(1_000);
    await worker.stop();
  });

  it('[SPL-02] the pause doubles from a second to a minute, less up to half of it', () => {
    const delay = (attempt: number, random: number): unknown => afterFailure(attempt, 99, () => random);
    expect([1, 2, 3, 7, 50].map((attempt) => delay(attempt, 0))).toEqual(
      [1_000, 2_000, 4_000, 60_000, 60_000].map((delayMs) => ({ kind: 'retry', delayMs })),
    );
    expect(delay(1, 1)).toEqual({ kind: 'retry', delayMs: 500 });
    expect(afterFailure(3, 3)).toEqual({ kind: 'give-up' });
  });

  it('[SPL-03] work that takes long keeps its lease', async () => {
    await using t = openTestSpool();
    const { handle, held, aborted, letGo } = holding();
    const worker = serve(t, handle);
    const message = draft('bob');
    await t.spool.send([message]);
    await until(t, () => held.length === 1);
    for (let half = 0; half < 20; half++) {
      t.clock.advance(LEASE_MS / 2);
      await t.settled();
      await t.settled();
    }
    letGo();
    await until(t, () => t.spool.stats().deliveries.acked === 1);
    expect(t.spool.status(message.id)).toMatchObject([{ status: 'acked', attempts: 1 }]);
    expect([held, aborted]).toEqual([[message.id], []]);
    await worker.stop();
    await t.spool.close();
    expect(t.clock.armed).toBe(0);
  });

  it('[SPL-03] an extension that fails for a moment is tried again before the lease runs out', async () => {
    await using t = openTestSpool();
    const { handle, held, aborted, letGo } = holding();
    let failures = 1;
    const extend: Spool['extend'] = (lease, ms) =>
      failures-- > 0 ? Promise.reject(new ParleyError('DISK_FULL', 'full')) : t.spool.extend(lease, ms);
    const worker = serve(t, handle, withFaults(t.spool, { extend }));
    const message = draft('bob');
    await t.spool.send([message]);
    await until(t, () => held.length === 1);
    for (const ms of [LEASE_MS / 2, 1_000, LEASE_MS / 2]) {
      t.clock.advance(ms);
      await t.settled();
      await t.settled();
    }
    letGo();
    await until(t, () => t.spool.stats().deliveries.acked === 1);
    expect(aborted).toEqual([]);
    await worker.stop();
  });

  it('[SPL-03] a lease that was lost aborts the handling, and nothing is settled', async () => {
    await using t = openTestSpool();
    const { handle, held, aborted } = holding();
    const worker = serve(t, handle);
    const message = draft('bob');
    await t.spool.send([message]);
    await until(t, () => held.length === 1);
    await t.db.write(() => t.db.prepare("UPDATE delivery SET token = 'another.1'").run());
    t.clock.advance(LEASE_MS / 2);
    await until(t, () => aborted.length === 1);
    await worker.stop();
    expect(t.spool.status(message.id)).toMatchObject([{ status: 'leased', attempts: 1, reason: null }]);
  });

  it('[RUN-04] stopping takes nothing new and waits for what is in hand', async () => {
    await using t = openTestSpool();
    const { handle, held, letGo } = holding();
    const worker = serve(t, handle);
    const messages = [draft('bob'), draft('bob'), draft('bob')];
    await t.spool.send(messages);
    await until(t, () => held.length === 2);
    const stopped = worker.stop();
    letGo();
    await stopped;
    expect(t.spool.stats().deliveries).toMatchObject({ acked: 2, queued: 1 });
    await t.spool.close();
    expect(t.clock.armed).toBe(0);
  });

  it('[RUN-04] told to give up it hands back what is in hand, and that counts as no attempt', async () => {
    await using t = openTestSpool();
    const { handle, held } = holding();
    const worker = serve(t, handle);
    const message = draft('bob');
    await t.spool.send([message]);
    await until(t, () => held.length === 1);
    const giveUp = new AbortController();
    const stopped = worker.stop(giveUp.signal);
    giveUp.abort();
    await stopped;
    expect(t.spool.status(message.id)).toMatchObject([{ status: 'queued', attempts: 0 }]);

    const next = serve(t, async () => ACK);
    await until(t, () => t.spool.stats().deliveries.acked === 1);
    await next.stop();
  });

  it('[RUN-04] a spool that was closed ends it', async () => {
    await using t = openTestSpool();
    const worker = serve(t, async () => ACK);
    await t.settled();
    await t.spool.close();
    await worker.stop();
    expect(t.clock.armed).toBe(0);
  });

  it('[SPL-06] a spool that fails to claim is asked again after a second', async () => {
    await using t = openTestSpool();
    let failures = 4;
    const claim: Spool['claim'] = (...args) =>
      failures-- > 0 ? Promise.reject(new ParleyError('DISK_FULL', 'full')) : t.spool.claim(...args);
    const worker = serve(t, async () => ACK, withFaults(t.spool, { claim }));
    await t.spool.send([draft('bob')]);
    await t.settled();
    t.clock.advance(1_000);
    await t.settled();
    expect(t.spool.stats().deliveries.acked).toBe(0);
    t.clock.advance(1_000);
    await until(t, () => t.spool.stats().deliveries.acked === 1);
    await worker.stop();
  });

  it('[SPL-06] work that is done is not done again because its settling failed once', async () => {
    await using t = openTestSpool();
    let failures = 1;
    let handled = 0;
    const settle: Spool['settle'] = (...args) =>
      failures-- > 0 ? Promise.reject(new ParleyError('DISK_FULL', 'full')) : t.spool.settle(...args);
    const worker = serve(
      t,
      async () => {
        handled++;
        return ACK;
      },
      withFaults(t.spool, { settle }),
    );
    await t.spool.send([draft('bob')]);
    await until(t, () => failures === 0);
    t.clock.advance(1_000);
    await until(t, () => t.spool.stats().deliveries.acked === 1);
    expect(handled).toBe(1);
    await worker.stop();
  });

  it('[SPL-06] a store that throws counts as a failed attempt, and the spool lives on', async () => {
    await using t = openTestSpool();
    const bad = draft('bob', { deliveries: [{ to: mailbox('bob'), maxAttempts: 1 }] });
    const good = draft('bob');
    const also = [
      () => {
        throw new Error('a bug in a store');
      },
    ];
    const worker = serve(t, async ({ message }) => (message.id === bad.id ? { ...ACK, also } : ACK));
    await t.spool.send([bad, good]);
    await until(t, () => t.spool.deadLetters().length === 1);
    await until(t, () => t.spool.status(good.id)[0]?.status === 'acked');
    expect(t.spool.status(bad.id)).toMatchObject([{ status: 'failed', reason: 'a bug in a store' }]);
    await worker.stop();
  });
});
