import { ParleyError } from '../../domain/errors.ts';
import { type Backoff, backoffDelay } from '../../lib/backoff.ts';
import { type Clock, sleep } from '../../lib/clock.ts';
import { errorText } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { type MessageV2, parseMessageV2 } from '../../protocol/message-v2.ts';
import type { RelayClient, RelayedMessage } from './relay-client.ts';

export interface RelayInboxOptions {
  readonly client: Pick<RelayClient, 'poll' | 'ack' | 'nack'>;
  /** Resolves when the message is durable here; the same one again is no second one. Rejects with MESSAGE_INVALID for what is never taken. */
  readonly accept: (message: MessageV2) => Promise<void>;
  readonly logger: Logger;
  readonly clock: Clock;
}

const POLL = { limit: 20, leaseSeconds: 60, waitSeconds: 20 };
const BACKOFF: Backoff = { baseMs: 1_000, maxMs: 60_000 };
/** The least from one empty answer to the next poll, in milliseconds: not every relay waits when it is asked to. */
const EMPTY_POLL_MS = 1_000;

/** Fetches what waits for an agent on a relay, for ever: poll, accept, ack. */
export class RelayInbox {
  readonly #options: RelayInboxOptions;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;

  /** Starts at once. */
  constructor(options: RelayInboxOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  /** Fetches no more, and resolves when what is in hand is accepted and acked. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#fetch(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ error: errorText(error) }, 'the relay cannot be polled; trying again');
        await sleep(clock, backoffDelay(++failures, BACKOFF), signal);
      }
    }
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const begun = clock.now();
    const messages = await client.poll(POLL, signal);
    for (const message of messages) await this.#take(message);
    if (messages.length === 0) await sleep(clock, EMPTY_POLL_MS - (clock.now() - begun), signal);
  }

  async #take({ id, token, message }: RelayedMessage): Promise<void> {
    const { client, accept } = this.#options;
    if (id === null) throw new ParleyError('MESSAGE_INVALID', 'The relay handed out something without an id.');
    const parsed = parseMessageV2(message);
    try {
      if (!parsed.ok) throw parsed.error;
      await accept(parsed.value);
    } catch (error) {
      if (!(error instanceof ParleyError && error.code === 'MESSAGE_INVALID')) throw error;
      return client.nack(id, token, error.message);
    }
    await client.ack(id, token);
  }
}
