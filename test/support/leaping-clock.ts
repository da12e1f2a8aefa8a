import { type Clock, systemClock } from '../../src/lib/clock.ts';

interface Timer {
  readonly at: number;
  readonly fire: () => void;
  cancel: () => void;
}

/** Goes as the system's clock does, and can leap ahead: a wait of minutes is over at once. */
export class LeapingClock implements Clock {
  readonly #timers = new Set<Timer>();
  #ahead = 0;

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  timer(at: number, fire: () => void): () => void {
    const timer: Timer = { at, fire, cancel: () => undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => {
      this.#timers.delete(timer);
      timer.cancel();
    };
  }

  leap(ms: number): void {
    this.#ahead += ms;
    for (const timer of this.#timers) this.#arm(timer);
  }

  /** How many timers are armed. */
  get armed(): number {
    return this.#timers.size;
  }

  #arm(timer: Timer): void {
    timer.cancel();
    timer.cancel = systemClock.timer(timer.at - this.#ahead, () => {
      this.#timers.delete(timer);
      timer.fire();
    });
  }
}
