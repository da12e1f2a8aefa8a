import type { Clock } from '../lib/clock.ts';

export interface RateLimit {
  /** How many messages of one sender are admitted in any window. */
  readonly max: number;
  readonly windowMs: number;
}

/** What is remembered of one sender: the last `max` admissions in a ring, whose next slot to be written holds the oldest. */
interface Admissions {
  readonly at: number[];
  next: number;
  latest: number;
  toldAt: number | null;
}

/**
 * A sliding window per sender, exact and in constant time: a message is admitted unless the `max`-th admission before it is
 * younger than the window. Nobody is ever refused because of others; beyond `maxSenders` active ones the quietest is
 * forgotten, and starts afresh.
 */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #clock: Clock;
  readonly #maxSenders: number;
  /** Ordered by their latest admission, oldest first. */
  readonly #senders = new Map<string, Admissions>();

  constructor(limit: RateLimit, clock: Clock, maxSenders: number) {
    this.#limit = limit;
    this.#clock = clock;
    this.#maxSenders = maxSenders;
  }

  /** `refused-again`: the sender was refused, and heard of it, less than a window ago. */
  admit(sender: string): 'admitted' | 'refused' | 'refused-again' {
    const now = this.#clock.now();
    const known = this.#senders.get(sender);
    if (known && this.#isFull(known, now)) return this.#refuse(known, now);
    this.#record(sender, known ?? { at: [], next: 0, latest: now, toldAt: null }, now);
    return 'admitted';
  }

  /** How many senders are remembered. */
  get size(): number {
    return this.#senders.size;
  }

  #isFull(admissions: Admissions, now: number): boolean {
    const oldest = admissions.at[admissions.next];
    return oldest !== undefined && this.#isRecent(oldest, now);
  }

  /** A time in the future was noted before the clock was set back: it must not lock the sender out until then. */
  #isRecent(at: number, now: number): boolean {
    return at <= now && now - at < this.#limit.windowMs;
  }

  #refuse(admissions: Admissions, now: number): 'refused' | 'refused-again' {
    if (admissions.toldAt !== null && this.#isRecent(admissions.toldAt, now)) return 'refused-again';
    admissions.toldAt = now;
    return 'refused';
  }

  #record(sender: string, admissions: Admissions, now: number): void {
    admissions.at[admissions.next] = now;
    admissions.next = (admissions.next + 1) % this.#limit.max;
    admissions.latest = now;
    this.#senders.delete(sender);
    this.#senders.set(sender, admissions);
    this.#forgetQuietest(now);
  }

  /** At most two for each one that comes in: the memory shrinks again after a rush, and no call pays for all of it. */
  #forgetQuietest(now: number): void {
    let budget = 2;
    for (const [sender, { latest }] of this.#senders) {
      if (budget-- === 0) return;
      if (this.#senders.size <= this.#maxSenders && this.#isRecent(latest, now)) return;
      this.#senders.delete(sender);
    }
  }
}
