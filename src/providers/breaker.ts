import type { Clock } from '../lib/clock.ts';

/** `closed`: requests go through. `open`: none do, for a time. `half-open`: the time is over, and one request may try it out. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Failures in a row after which a breaker opens. */
const FAILURES_TO_OPEN = 3;
export const OPEN_MS = 30_000;

/** A circuit breaker on the injected clock (cockatiel's reads the system's, which a test cannot move). */
export class Breaker {
  readonly #clock: Clock;
  #failures = 0;
  #openUntil: number | null = null;
  #probing = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get state(): BreakerState {
    if (this.#openUntil === null) return 'closed';
    return this.waitMs > 0 ? 'open' : 'half-open';
  }

  /** How long it stays open, in milliseconds; 0 when it is not. */
  get waitMs(): number {
    return Math.max(0, (this.#openUntil ?? 0) - this.#clock.now());
  }

  /** Whether a request may go through now. Whoever enters says how it went: `succeeded`, `failed`, `open` or `left`. */
  tryEnter(): boolean {
    if (this.state === 'open' || this.#probing) return false;
    this.#probing = this.state === 'half-open';
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntil = null;
    this.#probing = false;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#probing || this.#failures >= FAILURES_TO_OPEN) this.open(OPEN_MS);
  }

  /** Opens for `ms`, whatever the count of failures. */
  open(ms: number): void {
    this.#openUntil = this.#clock.now() + ms;
    this.#probing = false;
  }

  /** The request was given up before it told anything about the provider. */
  left(): void {
    this.#probing = false;
  }
}
