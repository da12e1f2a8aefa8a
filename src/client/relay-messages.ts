import { type Backoff, backoffDelay } from '../lib/backoff.ts';
import { type Clock, sleep } from '../lib/clock.ts';
import { isRelayMessage, type RelayedMessage, type RelayMessage } from './relay-answers.ts';
import type { RelayClient } from './relay-client.ts';
import { RelayError } from './relay-error.ts';

export interface MessagesOptions {
  /** When it aborts, there are no more messages. */
  readonly signal?: AbortSignal | undefined;
  /** How many to take at a time; default 1, so that none is held while another is worked on. */
  readonly limit?: number | undefined;
  /** How long the work on one may take, in seconds; default 60. */
  readonly leaseSeconds?: number | undefined;
}

/** A message to settle. */
export interface RelayDelivery {
  readonly message: RelayMessage;
  /** 1 on the first attempt. */
  readonly attempt: number;
  /** It is done. Rejects with LEASE_LOST when the lease has ended meanwhile. */
  ack(): Promise<void>;
  /** It comes again at once, or is a dead letter once its attempts are used up. */
  nack(reason: string): Promise<void>;
}

const WAIT_SECONDS = 20;
const BACKOFF: Backoff = { baseMs: 1_000, maxMs: 60_000 };
/** The least from one empty answer to the next poll, in milliseconds: not every relay waits when it is asked to. */
const EMPTY_POLL_MS = 1_000;

/** Polls for ever. While the relay is away it is tried again; what will not pass by itself, such as a wrong secret, is thrown. */
export async function* relayMessages(
  client: Pick<RelayClient, 'poll' | 'ack' | 'nack'>,
  clock: Clock,
  { signal, limit = 1, leaseSeconds }: MessagesOptions,
): AsyncGenerator<RelayDelivery, void, void> {
  let failures = 0;
  while (!signal?.aborted) {
    const begun = clock.now();
    try {
      const messages = await client.poll({ limit, leaseSeconds, waitSeconds: WAIT_SECONDS, signal });
      failures = 0;
      for (const relayed of messages) yield* checked(client, relayed);
      if (messages.length === 0) await sleep(clock, EMPTY_POLL_MS - (clock.now() - begun), signal);
    } catch (error) {
      if (signal?.aborted) return;
      if (!(error instanceof RelayError && error.mayPass)) throw error;
      await sleep(clock, error.retryAfterMs ?? backoffDelay(++failures, BACKOFF), signal);
    }
  }
}

/** What is no message is given back, with the reason, until it is a dead letter. */
async function* checked(
  client: Pick<RelayClient, 'ack' | 'nack'>,
  { id, token, attempt, message }: RelayedMessage,
): AsyncGenerator<RelayDelivery, void, void> {
  if (!isRelayMessage(message)) return client.nack(id, token, 'This is not a MessageV2.');
  yield {
    message,
    attempt,
    ack: () => client.ack(id, token),
    nack: (reason) => client.nack(id, token, reason),
  };
}
