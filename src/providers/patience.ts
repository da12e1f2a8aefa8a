import type { Clock } from '../lib/clock.ts';

/** How long a model may take, in milliseconds. */
export interface ModelLimits {
  /** Until the first sign of an answer, and from each piece of it to the next. */
  readonly idleMs: number;
  /** For the whole answer, tools and all. */
  readonly totalMs: number;
}

export const DEFAULT_MODEL_LIMITS: ModelLimits = { idleMs: 60_000, totalMs: 5 * 60_000 };

/**
 * Gives a model up that is silent for too long or takes too long in all. (The AI SDK's own timeouts begin only with the response:
 * they do not see a server that accepts the connection and then says nothing.)
 */
export class Patience {
  readonly #clock: Clock;
  readonly #limits: ModelLimits;
  readonly #controller = new AbortController();
  readonly #cancelTotal: () => void;
  #cancelIdle: () => void = () => {};

  constructor(clock: Clock, limits: ModelLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#cancelTotal = this.#giveUpAfter(limits.totalMs, 'not done');
  }

  /** Aborts, with a TimeoutError as the reason, when patience is at an end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The model has the word, or has just said something: its silence counts from now. */
  listen(): void {
    this.#cancelIdle();
    this.#cancelIdle = this.#giveUpAfter(this.#limits.idleMs, 'silent');
  }

  /** The model does not have the word: while its tools run it may be silent. */
  pause(): void {
    this.#cancelIdle();
  }

  end(): void {
    this.#cancelIdle();
    this.#cancelTotal();
  }

  #giveUpAfter(ms: number, what: string): () => void {
    const giveUp = (): void => this.#controller.abort(new DOMException(`${what} after ${ms} ms`, 'TimeoutError'));
    return this.#clock.timer(this.#clock.now() + ms, giveUp);
  }
}
