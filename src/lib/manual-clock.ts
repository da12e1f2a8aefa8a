import type { Clock } from './clock.ts';

/** A clock that stands still until told to move. For tests. */
export class ManualClock implements Clock {
  #now: number;
  #timers = new Set<{ at: number; fire: () => void }>();

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  timer(at: number, fire: () => void): () => void {
    const timer = { at, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves the time by `ms` (backwards too) and fires, in order, every timer that has come due. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= target).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fire();
    }
    this.#now = target;
  }

  /** How many timers are armed: a test that expects a clean stop asks for 0. */
  get armed(): number {
    return this.#timers.size;
  }
}
