export interface Backoff {
  /** Wait before the first retry, in milliseconds. */
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before retry number `attempt` (1 is the first): doubles each time up to the cap, with up to half of it
 * taken off at random so that many waiters do not come back together.
 */
export function backoffDelay(attempt: number, { baseMs, maxMs }: Backoff, random: () => number = Math.random): number {
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full * (1 - random() / 2));
}
