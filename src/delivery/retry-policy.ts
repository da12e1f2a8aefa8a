import { type Backoff, backoffDelay } from '../lib/backoff.ts';

/** A decision, apart from the loop that obeys it. */
export type RetryDecision = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'give-up' };

/** Of what is for an agent, or said by one: a person or a provider may be away for long, and a turn cut short by more than the message's own fault. */
export const AGENT_ATTEMPTS = 10;

const BACKOFF: Backoff = { baseMs: 1_000, maxMs: 60_000 };

/** What to do with a delivery whose handling failed on this attempt. */
export function afterFailure(attempt: number, maxAttempts: number, random: () => number = Math.random): RetryDecision {
  if (attempt >= maxAttempts) return { kind: 'give-up' };
  return { kind: 'retry', delayMs: backoffDelay(attempt, BACKOFF, random) };
}
