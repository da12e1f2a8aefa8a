import { type Backoff, backoffDelay } from '../lib/backoff.ts';

/** A decision, apart from the loop that obeys it. */
export type RetryDecision = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'give-up' };

const BACKOFF: Backoff = { baseMs: 1_000, maxMs: 60_000 };

/** What to do with a delivery whose handling failed on this attempt. */
export function afterFailure(attempt: number, maxAttempts: number, random: () => number = Math.random): RetryDecision {
  if (attempt >= maxAttempts) return { kind: 'give-up' };
  return { kind: 'retry', delayMs: backoffDelay(attempt, BACKOFF, random) };
}
