import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { draft, mailbox, openSpoolAt, temporaryFolder } from '../../../test/support/spool.ts';
import { type ModelDelivery, type ModelOutcome, SpoolModel } from '../../../test/support/spool-model.ts';
import { messageId } from '../../domain/addresses.ts';
import type { Delivery, Settlement } from '../../domain/delivery.ts';
import { PRIORITIES } from '../../domain/message.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { problems } from './problems.ts';

const RECIPIENTS = ['ann', 'bob'] as const;

const send = fc.record({
  op: fc.constant('send' as const),
  /** A small range, so that some are sent twice. */
  id: fc.integer({ min: 0, max: 60 }),
  to: fc.constantFrom<readonly string[]>(['ann'], ['bob'], ['ann', 'bob'], ['bob', 'ann']),
  key: fc.constantFrom('x', 'x', 'y', null),
  priority: fc.nat({ max: 3 }),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  delayMs: fc.constantFrom(0, 0, 10, 20),
  ttlMs: fc.constantFrom(100_000, 30, 80),
  sequential: fc.boolean(),
});
const claim = fc.record({
  op: fc.constant('claim' as const),
  to: fc.constantFrom(...RECIPIENTS),
  limit: fc.integer({ min: 1, max: 4 }),
  leaseMs: fc.constantFrom(20, 60, 1000),
});
const which = fc.nat({ max: 1000 });
const operation = fc.oneof(
  { arbitrary: send, weight: 6 },
  { arbitrary: claim, weight: 5 },
  { arbitrary: fc.record({ op: fc.constant('ack' as const), which }), weight: 4 },
  {
    arbitrary: fc.record({
      op: fc.constant('nack' as const),
      which,
      delayMs: fc.constantFrom(0, 15, 40),
      counts: fc.boolean(),
    }),
    weight: 3,
  },
  { arbitrary: fc.record({ op: fc.constant('term' as const), which }), weight: 1 },
  { arbitrary: fc.record({ op: fc.constant('extend' as const), which }), weight: 1 },
  { arbitrary: fc.record({ op: fc.constant('redrive' as const), which }), weight: 1 },
  { arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.constantFrom(1, 10, 25, 100) }), weight: 4 },
  { arbitrary: fc.constant({ op: 'cleanup' as const }), weight: 2 },
  { arbitrary: fc.constant({ op: 'reopen' as const }), weight: 1 },
  { arbitrary: fc.record({ op: fc.constant('set-clock' as const), minutes: fc.constantFrom(-10, 10) }), weight: 1 },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** A lease that was given once, still held or not. */
interface Taken {
  readonly real: Delivery;
  readonly model: ModelDelivery;
  readonly token: number;
}

class Comparison {
  readonly #folder = temporaryFolder();
  readonly #path = `${this.#folder.path}/coordination.db`;
  readonly #clock = new ManualClock();
  /** What somebody may set: nothing but the dates on messages may follow it. */
  readonly #wall = new ManualClock();
  readonly #model = new SpoolModel(this.#clock.now());
  readonly #taken: Taken[] = [];
  #open = openSpoolAt(this.#path, this.#wall, this.#clock);

  async run(operations: readonly Operation[]): Promise<void> {
    try {
      for (const operation of operations) {
        await this.#apply(operation);
        this.#compare();
      }
    } finally {
      await this.#close();
      this.#folder.remove();
    }
  }

  async #apply(operation: Operation): Promise<void> {
    const { spool } = this.#open;
    switch (operation.op) {
      case 'send': {
        const { to, key, maxAttempts, delayMs, priority, sequential, ttlMs } = operation;
        const id = messageId(`msg_${operation.id}`);
        const deliveries = to.map((name) => ({
          to: mailbox(name),
          maxAttempts,
          ...(key === null ? {} : { orderingKey: key }),
        }));
        const [receipt] = await spool.send([
          draft(to, {
            id,
            deliveries,
            priority: PRIORITIES[priority] ?? 'normal',
            strategy: sequential ? 'sequential' : 'parallel',
            ttlMs,
            ...(delayMs > 0 ? { deliverAt: this.#wall.now() + delayMs } : {}),
          }),
        ]);
        expect(receipt?.duplicate).toBe(this.#model.send({ ...operation, id }) === 'duplicate');
        return;
      }
      case 'claim': {
        const { to, limit, leaseMs } = operation;
        const real = await spool.claim(mailbox(to), { limit, leaseMs });
        const model = this.#model.claim(to, limit, leaseMs);
        expect(real.map(({ message, attempt }) => [message.id, attempt])).toEqual(
          model.map(({ message, attempts }) => [message, attempts]),
        );
        for (const [index, delivery] of real.entries()) {
          const twin = model[index];
          if (twin) this.#taken.push({ real: delivery, model: twin, token: twin.token });
        }
        return;
      }
      case 'ack':
      case 'term':
        return this.#settle(
          operation.which,
          operation.op === 'ack' ? { kind: 'ack' } : { kind: 'term', reason: 'no' },
          { kind: operation.op },
        );
      case 'nack': {
        const { delayMs, counts } = operation;
        return this.#settle(
          operation.which,
          { kind: 'nack', reason: 'later', delayMs, countsAsAttempt: counts },
          { kind: 'nack', delayMs, counts },
        );
      }
      case 'extend': {
        const taken = this.#pick(operation.which);
        if (!taken) return;
        const held = await spool.extend(taken.real.lease, 500).then(
          () => true,
          () => false,
        );
        expect(held).toBe(this.#model.extend(taken.model, taken.token, 500));
        return;
      }
      case 'redrive': {
        const taken = this.#pick(operation.which);
        if (taken) expect(await spool.redrive(taken.real.lease.delivery)).toBe(this.#model.redrive(taken.model));
        return;
      }
      case 'advance':
        this.#clock.advance(operation.ms);
        this.#model.advance(operation.ms);
        await spool.claim(mailbox('nobody'));
        return;
      case 'set-clock':
        this.#wall.advance(operation.minutes * 60_000);
        return;
      case 'cleanup':
        expect((await spool.cleanup(0)).expired).toBe(this.#model.cleanup());
        return;
      case 'reopen':
        await this.#close();
        this.#open = openSpoolAt(this.#path, this.#wall, this.#clock);
    }
  }

  async #settle(which: number, settlement: Settlement, outcome: ModelOutcome): Promise<void> {
    const taken = this.#pick(which);
    if (!taken) return;
    const held = await this.#open.spool.settle(taken.real.lease, settlement).then(
      () => true,
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'LEASE_LOST' });
        return false;
      },
    );
    expect(held).toBe(this.#model.settle(taken.model, taken.token, outcome));
  }

  #pick(which: number): Taken | undefined {
    return this.#taken[which % Math.max(1, this.#taken.length)];
  }

  #compare(): void {
    for (const id of new Set(this.#model.deliveries.map(({ message }) => message))) {
      const real = this.#open.spool.status(messageId(id)).map(({ to, status, attempts }) => ({ to, status, attempts }));
      const model = this.#model.deliveries
        .filter(({ message }) => message === id)
        .map((delivery) => ({
          to: mailbox(delivery.to),
          status: this.#model.status(delivery),
          attempts: delivery.attempts,
        }));
      expect(real).toEqual(model);
    }
    expect(problems(this.#open.db)).toEqual([]);
  }

  async #close(): Promise<void> {
    await this.#open.spool.close();
    await this.#open.db.close();
  }
}

describe('the spool against a plain model', () => {
  it('[SPL-02] [SPL-03] [SPL-04] [SPL-05] [TRC-02] they agree on every sequence of operations, and no two deliveries wait for each other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 60 }), (operations) =>
        new Comparison().run(operations),
      ),
      { numRuns: 400 },
    );
  }, 60_000);
});
