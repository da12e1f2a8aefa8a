/** Lets so many work at a time; the others wait, in the order in which they came. */
export class Semaphore {
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();
  #working = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Does the work when its turn has come. Rejects with the signal's reason when that aborts before. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#working < this.#limit) {
      this.#working++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting.delete(enter);
        reject(signal.reason);
      };
      this.#waiting.add(enter);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Whoever waits longest takes the place at once. */
  #leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#working--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
