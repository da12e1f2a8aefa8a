import { randomUUID } from 'node:crypto';
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

/** What the relay has handed out, and has yet to be told of: that it is accepted here, or why it is not. */
interface Unsettled {
  readonly id: string;
  readonly token: string | undefined;
  readonly refusal: string | null;
}

const POLL = { limit: 20, leaseSeconds: 60, waitSeconds: 20 };
const BACKOFF: Backoff = { baseMs: 1_000, maxMs: 60_000 };
/** The least from one empty answer to the next poll, in milliseconds: not every relay waits when it is asked to. */
const EMPTY_POLL_MS = 1_000;

/** Fetches what waits for an agent on a relay, for ever: poll, accept, ack. */
export class RelayInbox {
  readonly #options: RelayInboxOptions;
  readonly #stopping = new AbortController();
  readonly #name = randomUUID();
  readonly #unsettled: Unsettled[] = [];
  /** Since something last went well. */
  #failures = 0;
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
    while (!signal.aborted) {
      try {
        await this.#fetch(signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ error: errorText(error) }, 'the relay cannot be polled; trying again');
        await sleep(clock, backoffDelay(++this.#failures, BACKOFF), signal);
      }
    }
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const begun = clock.now();
    await this.#settle();
    const messages = await client.poll({ ...POLL, poller: this.#name }, signal);
    for (const message of messages) this.#unsettled.push(await this.#take(message));
    this.#failures = 0;
    await this.#settle();
    if (messages.length === 0) await sleep(clock, EMPTY_POLL_MS - (clock.now() - begun), signal);
  }

  async #take({ id, token, message }: RelayedMessage): Promise<Unsettled> {
    const parsed = parseMessageV2(message);
    try {
      if (!parsed.ok) throw parsed.error;
      await this.#options.accept(parsed.value);
      return { id, token, refusal: null };
    } catch (error) {
      if (!isInvalid(error)) throw error;
      return { id, token, refusal: error.message };
    }
  }

  /** Tells the relay what became of what it handed out; what it cannot be told now, it is told before the next poll. */
  async #settle(): Promise<void> {
    const { client } = this.#options;
    for (let [next] = this.#unsettled; next; [next] = this.#unsettled) {
      const { id, token, refusal } = next;
      try {
        await (refusal === null ? client.ack(id, token) : client.nack(id, token, refusal));
      } catch (error) {
        // The lease has ended: it is handed out once more, and known then.
        if (!isInvalid(error)) throw error;
      }
      this.#unsettled.shift();
      this.#failures = 0;
    }
  }
}

const isInvalid = (error: unknown): error is ParleyError =>
  error instanceof ParleyError && error.code === 'MESSAGE_INVALID';
