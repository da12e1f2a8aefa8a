import { type Backoff, backoffDelay } from '../../../lib/backoff.ts';
import type { Clock } from '../../../lib/clock.ts';

interface Pause {
  readonly until: number;
  /** How many there were, one after the other. */
  readonly times: number;
}

/** A pause that ended this long ago, in milliseconds, does not make the next one longer. */
const FORGET_MS = 3_600_000;

/** Who has to wait before sending again, and until when. Kept in memory: after a restart WhatsApp says it once more. */
export class Pauses {
  readonly #clock: Clock;
  readonly #pauses = new Map<string, Pause>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long these still have to wait, in milliseconds; 0 when they need not. */
  remainingMs(...keys: readonly string[]): number {
    const now = this.#clock.now();
    return Math.max(0, ...keys.map((key) => (this.#pauses.get(key)?.until ?? now) - now));
  }

  /**
   * Begins a pause, longer than the one before; its length in milliseconds. While one lasts no other begins: several messages may
   * run into the same limit at once.
   */
  begin(key: string, backoff: Backoff): number {
    const remainingMs = this.remainingMs(key);
    if (remainingMs > 0) return remainingMs;
    const now = this.#clock.now();
    for (const [other, { until }] of this.#pauses) if (until < now - FORGET_MS) this.#pauses.delete(other);
    const times = (this.#pauses.get(key)?.times ?? 0) + 1;
    const delayMs = backoffDelay(times, backoff);
    this.#pauses.set(key, { until: now + delayMs, times });
    return delayMs;
  }

  /** It works again. */
  end(...keys: readonly string[]): void {
    for (const key of keys) this.#pauses.delete(key);
  }
}
