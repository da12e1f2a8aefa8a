import { describe, expect, it } from 'vitest';
import type { ManualClock } from '../../src/lib/manual-clock.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { draft, mailbox } from '../support/spool.ts';

export interface SpoolHarness {
  readonly spool: Spool;
  readonly clock: ManualClock;
  settled(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const first = <T>(list: readonly T[]): T => {
  const [item] = list;
  if (item === undefined) throw new Error('expected at least one');
  return item;
};

/** What every spool does, whatever it stands on. */
export function spoolContract(name: string, open: () => SpoolHarness): void {
  describe(`the spool contract on ${name}`, () => {
    it('[SPL-02] a message goes queued, leased, acked', async () => {
      await using t = open();
      const message = draft('bob', { subject: 'Greeting', body: 'Hello', payload: { type: 'text', data: { n: 1 } } });
      await t.spool.send([message]);
      expect(first(t.spool.status(message.id))).toMatchObject({ status: 'queued', attempts: 0 });
      const delivery = first(await t.spool.claim(mailbox('bob')));
      expect(delivery.message).toMatchObject({
        id: message.id,
        subject: 'Greeting',
        body: 'Hello',
        payload: message.payload,
        trace: message.trace,
      });
      expect(first(t.spool.status(message.id))).toMatchObject({ status: 'leased', attempts: 1 });
      await t.spool.settle(delivery.lease, { kind: 'ack' });
      expect(first(t.spool.status(message.id)).status).toBe('acked');
      expect(await t.spool.claim(mailbox('bob'))).toEqual([]);
    });

    it('[SPL-02] a nack brings it back after its delay, and a dead letter after the last attempt', async () => {
      await using t = open();
      const message = draft('bob', { deliveries: [{ to: mailbox('bob'), maxAttempts: 2 }] });
      await t.spool.send([message]);
      const one = first(await t.spool.claim(mailbox('bob')));
      await t.spool.settle(one.lease, { kind: 'nack', reason: 'busy', delayMs: 1000 });
      expect(await t.spool.claim(mailbox('bob'))).toEqual([]);
      t.clock.advance(999);
      expect(await t.spool.claim(mailbox('bob'))).toEqual([]);
      t.clock.advance(1);
      const two = first(await t.spool.claim(mailbox('bob')));
      expect(two.attempt).toBe(2);
      await t.spool.settle(two.lease, { kind: 'nack', reason: 'broken', delayMs: 1000 });
      expect(first(t.spool.status(message.id))).toMatchObject({ status: 'failed', reason: 'broken' });
      expect(t.spool.deadLetters(mailbox('bob')).map((letter) => letter.message.id)).toEqual([message.id]);
    });

    it('[PRV-03] a nack that does not count as an attempt can go on for ever', async () => {
      await using t = open();
      await t.spool.send([draft('bob')]);
      for (let i = 0; i < 20; i++) {
        const delivery = first(await t.spool.claim(mailbox('bob')));
        expect(delivery.attempt).toBe(1);
        await t.spool.settle(delivery.lease, { kind: 'nack', reason: 'not yet', delayMs: 10, countsAsAttempt: false });
        t.clock.advance(10);
      }
      expect(await t.spool.claim(mailbox('bob'))).toHaveLength(1);
    });

    it('[SPL-02] [SEC-05] a lease that runs out is an attempt, and the last one a dead letter', async () => {
      await using t = open();
      const message = draft('bob');
      await t.spool.send([message]);
      for (const attempt of [1, 2, 3]) {
        expect(first(await t.spool.claim(mailbox('bob'), { leaseMs: 100 })).attempt).toBe(attempt);
        t.clock.advance(100);
        await t.settled();
      }
      expect(first(t.spool.status(message.id)).status).toBe('failed');
      expect(await t.spool.claim(mailbox('bob'))).toEqual([]);
    });

    it('[SPL-03] [SEC-05] who has lost the lease can settle nothing, and nothing is settled twice', async () => {
      await using t = open();
      await t.spool.send([draft('bob')]);
      const stale = first(await t.spool.claim(mailbox('bob'), { leaseMs: 100 }));
      t.clock.advance(100);
      await t.settled();
      const fresh = first(await t.spool.claim(mailbox('bob'), { leaseMs: 100 }));
      const lost = { code: 'LEASE_LOST' };
      const output = draft('carol');
      await expect(t.spool.settle(stale.lease, { kind: 'ack', outputs: [output] })).rejects.toMatchObject(lost);
      await expect(t.spool.settle(stale.lease, { kind: 'nack', reason: '', delayMs: 0 })).rejects.toMatchObject(lost);
      await expect(t.spool.extend(stale.lease, 1000)).rejects.toMatchObject(lost);
      expect(t.spool.message(output.id)).toBeNull();
      await t.spool.settle(fresh.lease, { kind: 'ack' });
      await expect(t.spool.settle(fresh.lease, { kind: 'nack', reason: '', delayMs: 0 })).rejects.toMatchObject(lost);
      expect(await t.spool.claim(mailbox('bob'))).toEqual([]);
    });

    it('[SPL-03] long work extends its lease', async () => {
      await using t = open();
      await t.spool.send([draft('bob')]);
      const delivery = first(await t.spool.claim(mailbox('bob'), { leaseMs: 100 }));
      t.clock.advance(90);
      const longer = await t.spool.extend(delivery.lease, 100);
      t.clock.advance(90);
      await t.settled();
      expect(await t.spool.claim(mailbox('bob'))).toEqual([]);
      await t.spool.settle(longer, { kind: 'ack' });
    });

    it('[SPL-03] many claims at once never get the same delivery', async () => {
      await using t = open();
      await t.spool.send(Array.from({ length: 50 }, () => draft('bob')));
      const claims = await Promise.all(Array.from({ length: 30 }, () => t.spool.claim(mailbox('bob'), { limit: 2 })));
      const ids = claims.flat().map((delivery) => delivery.message.id);
      expect(ids).toHaveLength(50);
      expect(new Set(ids).size).toBe(50);
    });

    it('[SPL-04] critical before high before normal before low, and in order within each', async () => {
      await using t = open();
      const sent = (['low', 'normal', 'critical', 'high', 'critical', 'normal'] as const).map((priority) =>
        draft('bob', { priority }),
      );
      for (const message of sent) await t.spool.send([message]);
      const got = await t.spool.claim(mailbox('bob'), { limit: 10 });
      expect(got.map((delivery) => sent.findIndex((message) => message.id === delivery.message.id))).toEqual([
        2, 4, 3, 1, 5, 0,
      ]);
    });

    it('[SPL-04] one ordering key is handled one at a time, in order, also through a retry', async () => {
      await using t = open();
      const deliveries = [{ to: mailbox('bob'), orderingKey: 'talk' }];
      const [a, b, c, other] = [
        draft('bob', { deliveries }),
        draft('bob', { deliveries }),
        draft('bob', { deliveries, priority: 'critical' }),
        draft('bob'),
      ];
      await t.spool.send([a, b, c, other]);
      expect(t.spool.status(b.id)).toMatchObject([{ status: 'blocked' }]);
      const got = await t.spool.claim(mailbox('bob'), { limit: 10 });
      expect(got.map((delivery) => delivery.message.id)).toEqual([a.id, other.id]);
      await t.spool.settle(first(got).lease, { kind: 'nack', reason: 'again', delayMs: 100 });
      expect(await t.spool.claim(mailbox('bob'), { limit: 10 })).toEqual([]);
      t.clock.advance(100);
      for (const message of [a, b, c]) {
        const delivery = first(await t.spool.claim(mailbox('bob'), { limit: 10 }));
        expect(delivery.message.id).toBe(message.id);
        await t.spool.settle(delivery.lease, { kind: 'ack' });
      }
    });

    it('[SPL-04] what waits behind a dead letter or an expired one goes on', async () => {
      await using t = open();
      const deliveries = [{ to: mailbox('bob'), orderingKey: 'talk' }];
      const messages = [
        draft('bob', { deliveries }),
        draft('bob', { deliveries, ttlMs: 50 }),
        draft('bob', { deliveries }),
      ];
      await t.spool.send(messages);
      const a = first(await t.spool.claim(mailbox('bob')));
      t.clock.advance(60);
      await t.spool.cleanup(0);
      // The middle one expired while the first was still in hand: the third must go on waiting for the first.
      expect(await t.spool.claim(mailbox('bob'))).toEqual([]);
      await t.spool.settle(a.lease, { kind: 'term', reason: 'hopeless' });
      expect(first(await t.spool.claim(mailbox('bob'))).message.id).toBe(messages[2]?.id);
    });

    it('[TRC-02] [SPL-04] two sequences in opposite directions, sent for later in one conversation, do not wait for each other', async () => {
      for (const delayMs of [10, 20]) {
        await using t = open();
        const to = (...names: string[]) => names.map((name) => ({ to: mailbox(name), orderingKey: 'talk' }));
        const sequence = (names: string[], deliverAt: number) =>
          draft(names, { deliveries: to(...names), strategy: 'sequential', deliverAt: t.clock.now() + deliverAt });
        await t.spool.send([sequence(['bob', 'carol', 'dave'], 10)]);
        await t.spool.send([sequence(['dave', 'carol', 'bob'], delayMs)]);
        t.clock.advance(20);
        const handled: string[] = [];
        for (let look = 0; look < 6; look++) {
          for (const name of ['bob', 'carol', 'dave']) {
            for (const { to, lease } of await t.spool.claim(mailbox(name))) {
              handled.push(to);
              await t.spool.settle(lease, { kind: 'ack' });
            }
          }
        }
        expect(handled.map((address) => address.replace('agent:', ''))).toEqual([
          ...['bob', 'carol', 'dave'],
          ...['dave', 'carol', 'bob'],
        ]);
      }
    });

    it('[SPL-04] of two sequences that were sent for later, nobody is given the second while it has the first in hand', async () => {
      await using t = open();
      const deliveries = ['bob', 'carol'].map((name) => ({ to: mailbox(name), orderingKey: 'talk' }));
      const later = (ms: number) =>
        draft(['bob', 'carol'], { deliveries, strategy: 'sequential', deliverAt: t.clock.now() + ms });
      const [one, two] = [later(10), later(10)];
      await t.spool.send([one, two]);
      t.clock.advance(10);
      for (const _ of [one, two]) {
        await t.spool.settle(first(await t.spool.claim(mailbox('bob'))).lease, { kind: 'ack' });
      }
      const got = await t.spool.claim(mailbox('carol'), { limit: 10 });
      expect(got.map(({ message }) => message.id)).toEqual([one.id]);
    });

    it('[BRD-03] a sequential message goes to one recipient after the other, whatever became of the one before', async () => {
      await using t = open();
      const message = draft(['a', 'b', 'c'], { strategy: 'sequential' });
      await t.spool.send([message]);
      expect(await t.spool.claim(mailbox('b'))).toEqual([]);
      const a = first(await t.spool.claim(mailbox('a')));
      await t.spool.settle(a.lease, { kind: 'term', reason: 'failed' });
      expect(await t.spool.claim(mailbox('c'))).toEqual([]);
      const b = first(await t.spool.claim(mailbox('b')));
      await t.spool.settle(b.lease, { kind: 'ack' });
      expect(await t.spool.claim(mailbox('c'))).toHaveLength(1);
    });

    it('[BRD-07] those of a higher rank wait for all of the rank below, whatever became of them', async () => {
      await using t = open();
      const ranks = { a: 0, b: 0, c: 1, d: 3 };
      const deliveries = Object.entries(ranks).map(([to, rank]) => ({ to: mailbox(to), rank }));
      await t.spool.send([draft([], { deliveries })]);
      const [a, b] = [first(await t.spool.claim(mailbox('a'))), first(await t.spool.claim(mailbox('b')))];
      await t.spool.settle(a.lease, { kind: 'ack' });
      expect(await t.spool.claim(mailbox('c'))).toEqual([]);
      await t.spool.settle(b.lease, { kind: 'term', reason: 'failed' });
      expect(await t.spool.claim(mailbox('d'))).toEqual([]);
      const c = first(await t.spool.claim(mailbox('c')));
      await t.spool.settle(c.lease, { kind: 'ack' });
      expect(await t.spool.claim(mailbox('d'))).toHaveLength(1);
    });

    it('[SPL-05] the same id sent again is a duplicate, and nothing is stored or done for it', async () => {
      await using t = open();
      const message = draft('bob');
      let writes = 0;
      const also = [() => void writes++];
      expect(await t.spool.send([message], also)).toEqual([{ id: message.id, duplicate: false }]);
      expect(await t.spool.send([{ ...message, body: 'changed' }], also)).toEqual([
        { id: message.id, duplicate: true },
      ]);
      expect(writes).toBe(1);
      expect(await t.spool.claim(mailbox('bob'), { limit: 10 })).toHaveLength(1);
    });

    it('[SPL-06] an ack and what it gave rise to are one transaction', async () => {
      await using t = open();
      await t.spool.send([draft('bob')]);
      const delivery = first(await t.spool.claim(mailbox('bob')));
      const output = draft('carol');
      const fails = () => {
        throw new Error('the store failed');
      };
      await expect(t.spool.settle(delivery.lease, { kind: 'ack', outputs: [output], also: [fails] })).rejects.toThrow(
        'the store failed',
      );
      expect(t.spool.message(output.id)).toBeNull();
      expect(first(t.spool.status(delivery.message.id)).status).toBe('leased');
      await t.spool.settle(delivery.lease, { kind: 'ack', outputs: [output] });
      expect(await t.spool.claim(mailbox('carol'))).toHaveLength(1);
    });

    it('[SPL-06] a call that fails does not harm those that share its transaction', async () => {
      await using t = open();
      const fails = () => {
        throw new Error('the store failed');
      };
      const [good, bad] = [draft('bob'), draft('bob')];
      const outcomes = await Promise.allSettled([t.spool.send([bad], [fails]), t.spool.send([good])]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'fulfilled']);
      expect(t.spool.message(bad.id)).toBeNull();
      expect(t.spool.message(good.id)).not.toBeNull();
    });

    it('[SPL-02] past its time to live nothing is delivered', async () => {
      await using t = open();
      const message = draft('bob', { ttlMs: 1000 });
      await t.spool.send([message]);
      t.clock.advance(1000);
      expect(await t.spool.claim(mailbox('bob'))).toEqual([]);
      expect(first(t.spool.status(message.id)).status).toBe('expired');
    });

    it('[SPL-09] a message for later comes when it is due, and holds nobody up until then', async () => {
      await using t = open();
      const deliveries = [{ to: mailbox('bob'), orderingKey: 'talk' }];
      const later = draft('bob', { deliveries, deliverAt: t.clock.now() + 5000 });
      const now = draft('bob', { deliveries });
      await t.spool.send([later, now]);
      const delivery = first(await t.spool.claim(mailbox('bob'), { limit: 5, leaseMs: 60_000 }));
      expect(delivery.message.id).toBe(now.id);
      t.clock.advance(5000);
      await t.settled();
      expect(await t.spool.claim(mailbox('bob'))).toEqual([]);
      await t.spool.settle(delivery.lease, { kind: 'ack' });
      expect(first(await t.spool.claim(mailbox('bob'))).message.id).toBe(later.id);
    });

    it('[SPL-09] a waiting claim is served by the send, and ends empty when its signal aborts', async () => {
      await using t = open();
      const waiting = t.spool.claim(mailbox('bob'), { wait: true, limit: 3 });
      const message = draft('bob');
      await t.spool.send([message]);
      expect(first(await waiting)).toMatchObject({ attempt: 1, message: { id: message.id } });
      const controller = new AbortController();
      const pending = t.spool.claim(mailbox('bob'), { wait: true }, controller.signal);
      await t.settled();
      controller.abort();
      expect(await pending).toEqual([]);
      await t.spool.send([draft('bob')]);
      expect(await t.spool.claim(mailbox('bob'))).toHaveLength(1);
    });

    it('[SPL-09] a waiting claim is served by a retry that comes due, a release and a redrive', async () => {
      await using t = open();
      const message = draft('bob', { deliveries: [{ to: mailbox('bob'), maxAttempts: 1 }] });
      await t.spool.send([message]);
      const delivery = first(await t.spool.claim(mailbox('bob')));
      await t.spool.settle(delivery.lease, { kind: 'nack', reason: 'later', delayMs: 500, countsAsAttempt: false });
      const retried = t.spool.claim(mailbox('bob'), { wait: true });
      await t.settled();
      t.clock.advance(500);
      await t.spool.settle(first(await retried).lease, { kind: 'term', reason: 'no' });
      const redriven = t.spool.claim(mailbox('bob'), { wait: true });
      const letter = first(t.spool.deadLetters(mailbox('bob')));
      expect(await t.spool.redrive(letter.delivery)).toBe(true);
      expect(first(await redriven)).toMatchObject({ attempt: 1, message: { id: message.id } });
      expect(await t.spool.redrive(letter.delivery)).toBe(false);
    });

    it('[SPL-08] stats count every state', async () => {
      await using t = open();
      const ordered = { deliveries: [{ to: mailbox('bob'), orderingKey: 'k' }] };
      await t.spool.send([draft('bob', ordered), draft('bob', ordered), draft('carol'), draft('dave', { ttlMs: 1 })]);
      const delivery = first(await t.spool.claim(mailbox('bob')));
      await t.spool.claim(mailbox('carol'));
      t.clock.advance(5);
      await t.spool.cleanup(0);
      await t.spool.settle(delivery.lease, { kind: 'ack' });
      expect(t.spool.stats()).toEqual({
        messages: 4,
        deliveries: { queued: 1, blocked: 0, leased: 1, acked: 1, failed: 0, expired: 1 },
      });
    });

    it('[SPL-03] a lease can be found by message and recipient, and settled by whoever knows its token', async () => {
      await using t = open();
      const message = draft('bob', { metadata: { ticket: 7 } });
      await t.spool.send([message]);
      expect(t.spool.lease(message.id, mailbox('bob'))).toBeNull();
      const delivery = first(await t.spool.claim(mailbox('bob'), { detached: true }));
      expect(delivery.message.metadata).toEqual({ ticket: 7 });
      const lease = t.spool.lease(message.id, mailbox('bob'));
      expect(lease).toEqual(delivery.lease);
      expect(t.spool.lease(message.id, mailbox('carol'))).toBeNull();
      if (lease) await t.spool.settle(lease, { kind: 'ack' });
      expect(first(t.spool.status(message.id)).status).toBe('acked');
    });

    it('[RUN-04] closing ends waiting claims, lets what was called commit, and refuses what comes later', async () => {
      await using t = open();
      const waiting = t.spool.claim(mailbox('bob'), { wait: true });
      const message = draft('carol');
      const sending = t.spool.send([message]);
      await t.spool.close();
      expect(await waiting).toEqual([]);
      expect(await sending).toEqual([{ id: message.id, duplicate: false }]);
      await expect(t.spool.send([draft('bob')])).rejects.toMatchObject({ code: 'SPOOL_CLOSED' });
    });
  });
}
