import type { AgentId, MessageId } from '../domain/addresses.ts';

export interface SeenEnvelope {
  readonly recipient: AgentId;
  readonly envelope: MessageId;
  /** The delivery of our own spool that brought it. */
  readonly delivery: number;
}

/** The durable memory of which envelopes an agent has taken: what makes a replay one. */
export interface SeenEnvelopes {
  /**
   * Remembers an envelope, and says whether the recipient had it before. Once the promise resolves the entry survives a crash.
   * The same envelope brought again by the same delivery is `new`: our spool hands a delivery out again after a crash.
   * Brought by another delivery it is a `replay`. Of two calls at the same time, one at most is told `new`.
   *
   * `forgetAfter` (epoch milliseconds) is a time of *acceptance*: a copy that our spool accepts later than this is stale. A copy
   * accepted earlier may still wait in its mailbox, or among the dead letters, for any length of time. So an entry may be dropped
   * only when the clock is past `forgetAfter` and no delivery that was accepted before `forgetAfter` can be handed out any more.
   */
  remember(seen: SeenEnvelope, forgetAfter: number): Promise<'new' | 'replay'>;
}

/**
 * Until when the copies of an envelope have to be recognised, given its timestamp and the age it may have, in milliseconds.
 *
 * A copy passes the freshness window when it is accepted between `sentAt - maxAgeMs` and `sentAt + maxAgeMs` by our clock.
 * The end of the window counts from the timestamp, not from the acceptance of the first copy: a timestamp in the future (a sender
 * whose clock is ahead) stays fresh that much longer. The second `maxAgeMs` is for our own clock: set back by up to this
 * much after an entry was dropped, it still finds every copy stale.
 */
export function forgetAfter(sentAt: number, maxAgeMs: number): number {
  return sentAt + 2 * maxAgeMs;
}
