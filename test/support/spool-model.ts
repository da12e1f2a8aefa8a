import type { DeliveryStatus } from '../../src/domain/delivery.ts';

/*
 * What a spool does, said as plainly as possible: one list, looked through from end to end for everything. The property tests
 * drive it and the real spool side by side.
 */

export interface ModelDelivery {
  readonly message: string;
  readonly to: string;
  readonly key: string | null;
  /** 0 is the most pressing. */
  readonly priority: number;
  readonly maxAttempts: number;
  expiresAt: number;
  state: 'scheduled' | 'waiting' | 'leased' | 'acked' | 'failed' | 'expired';
  /** When a scheduled or handed-back delivery comes due, or a lease runs out. */
  dueAt: number;
  attempts: number;
  /** Deliveries that have to be settled before this one: those before it in its order, or in its message. */
  behind: ModelDelivery[];
  token: number;
}

export interface ModelSend {
  readonly id: string;
  readonly to: readonly string[];
  readonly key: string | null;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly delayMs: number;
  readonly ttlMs: number;
  readonly sequential: boolean;
}

export type ModelOutcome = { kind: 'ack' } | { kind: 'term' } | { kind: 'nack'; delayMs: number; counts: boolean };

const SETTLED: readonly string[] = ['acked', 'failed', 'expired'];
const REDRIVEN_TTL_MS = 24 * 60 * 60 * 1000;

export class SpoolModel {
  readonly deliveries: ModelDelivery[] = [];
  #now: number;
  #tokens = 0;

  constructor(now: number) {
    this.#now = now;
  }

  send({ id, to, key, priority, maxAttempts, delayMs, ttlMs, sequential }: ModelSend): 'stored' | 'duplicate' {
    if (this.deliveries.some((delivery) => delivery.message === id)) return 'duplicate';
    let previous: ModelDelivery | null = null;
    for (const recipient of to) {
      const delivery: ModelDelivery = {
        message: id,
        to: recipient,
        key,
        priority,
        maxAttempts,
        expiresAt: this.#now + delayMs + ttlMs,
        state: delayMs > 0 ? 'scheduled' : 'waiting',
        dueAt: delayMs > 0 ? this.#now + delayMs : 0,
        attempts: 0,
        behind: sequential && previous ? [previous] : [],
        token: 0,
      };
      if (delayMs === 0) this.#joinOrder(delivery);
      this.deliveries.push(delivery);
      previous = delivery;
    }
    return 'stored';
  }

  claim(to: string, limit: number, leaseMs: number): ModelDelivery[] {
    const claimed: ModelDelivery[] = [];
    while (claimed.length < limit) {
      const next = this.deliveries
        .filter((delivery) => delivery.to === to && this.#isReady(delivery))
        .sort((a, b) => a.priority - b.priority || this.deliveries.indexOf(a) - this.deliveries.indexOf(b))[0];
      if (!next) break;
      if (next.expiresAt <= this.#now) {
        this.#end(next, 'expired');
        continue;
      }
      Object.assign(next, {
        state: 'leased',
        attempts: next.attempts + 1,
        dueAt: this.#now + leaseMs,
        token: ++this.#tokens,
      });
      claimed.push(next);
    }
    return claimed;
  }

  /** False when the token is not that of the present holder. */
  settle(delivery: ModelDelivery, token: number, outcome: ModelOutcome): boolean {
    if (delivery.state !== 'leased' || delivery.token !== token) return false;
    if (outcome.kind === 'ack') this.#end(delivery, 'acked');
    else if (outcome.kind === 'term') this.#end(delivery, 'failed');
    else this.#handBack(delivery, outcome.delayMs, outcome.counts);
    return true;
  }

  extend(delivery: ModelDelivery, token: number, leaseMs: number): boolean {
    if (delivery.state !== 'leased' || delivery.token !== token) return false;
    delivery.dueAt = this.#now + leaseMs;
    return true;
  }

  redrive(delivery: ModelDelivery): boolean {
    if (delivery.state !== 'failed') return false;
    Object.assign(delivery, {
      state: 'waiting',
      attempts: 0,
      behind: [],
      dueAt: 0,
      expiresAt: this.#now + REDRIVEN_TTL_MS,
    });
    this.#joinOrder(delivery);
    return true;
  }

  cleanup(): number {
    const late = this.deliveries.filter(
      (delivery) => ['scheduled', 'waiting'].includes(delivery.state) && delivery.expiresAt <= this.#now,
    );
    for (const delivery of late) this.#end(delivery, 'expired');
    return late.length;
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.deliveries
      .filter(
        (delivery) => (delivery.state === 'scheduled' || delivery.state === 'leased') && delivery.dueAt <= this.#now,
      )
      .sort((a, b) => a.dueAt - b.dueAt || this.deliveries.indexOf(a) - this.deliveries.indexOf(b));
    for (const delivery of due) {
      if (delivery.state === 'leased') this.#handBack(delivery, 0, true);
      else {
        delivery.state = 'waiting';
        this.#joinOrder(delivery);
      }
    }
  }

  /** As it is shown. */
  status(delivery: ModelDelivery): DeliveryStatus {
    if (delivery.state === 'scheduled') return 'queued';
    if (delivery.state !== 'waiting') return delivery.state;
    return this.#isBlocked(delivery) ? 'blocked' : 'queued';
  }

  #isReady(delivery: ModelDelivery): boolean {
    return delivery.state === 'waiting' && delivery.dueAt <= this.#now && !this.#isBlocked(delivery);
  }

  #isBlocked(delivery: ModelDelivery): boolean {
    return delivery.behind.length > 0;
  }

  /** Those behind it go on; if it was still waiting itself, they wait for what it waited for. */
  #end(delivery: ModelDelivery, state: 'acked' | 'failed' | 'expired'): void {
    for (const other of this.deliveries) {
      if (!other.behind.includes(delivery)) continue;
      other.behind = [...new Set([...other.behind.filter((one) => one !== delivery), ...delivery.behind])];
    }
    Object.assign(delivery, { state, behind: [] });
  }

  #joinOrder(delivery: ModelDelivery): void {
    if (delivery.key === null) return;
    const inOrder = this.deliveries.filter(
      (other) =>
        other !== delivery &&
        other.to === delivery.to &&
        other.key === delivery.key &&
        !SETTLED.includes(other.state) &&
        other.state !== 'scheduled',
    );
    delivery.behind = [...new Set([...delivery.behind, ...inOrder])];
  }

  #handBack(delivery: ModelDelivery, delayMs: number, counts: boolean): void {
    if (counts && delivery.attempts >= delivery.maxAttempts) {
      this.#end(delivery, 'failed');
      return;
    }
    if (!counts) delivery.attempts--;
    delivery.state = 'waiting';
    delivery.dueAt = delayMs > 0 ? this.#now + delayMs : 0;
  }
}
