/** Time as the program sees it. Injected everywhere, so that a test can hold it still or make it jump. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `fire` once, no earlier than `at` (epoch milliseconds). The returned function cancels it; cancelling twice is harmless. */
  timer(at: number, fire: () => void): () => void;
}

/** setTimeout keeps its delay in a signed 32-bit integer; a longer one would fire at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  timer(at, fire) {
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const wait = at - Date.now();
      handle = wait > LONGEST_TIMEOUT_MS ? setTimeout(arm, LONGEST_TIMEOUT_MS) : setTimeout(fire, Math.max(0, wait));
    };
    arm();
    return () => clearTimeout(handle);
  },
};

/** Resolves after `ms`, or as soon as the signal aborts: the caller looks at the signal. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.timer(clock.now() + ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
