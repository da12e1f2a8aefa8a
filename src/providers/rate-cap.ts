import type { Clock } from '../lib/clock.ts';

const MINUTE_MS = 60_000;

/** No more than so many requests in any minute. */
export class RateCap {
  readonly #perMinute: number;
  readonly #clock: Clock;
  /** When the latest requests were made, oldest first, epoch milliseconds. */
  readonly #made: number[] = [];

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** How long until a request fits, in milliseconds; 0 when one fits now. */
  waitMs(): number {
    const now = this.#clock.now();
    const blocking = this.#made.at(-this.#perMinute);
    return blocking === undefined ? 0 : Math.max(0, blocking + MINUTE_MS - now);
  }

  /** Counts a request. One within a tool loop is made and counted even when it does not fit: a half-done answer helps nobody. */
  count(): void {
    this.#made.push(this.#clock.now());
    if (this.#made.length > this.#perMinute) this.#made.shift();
  }
}
