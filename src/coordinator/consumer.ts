import type { AgentId } from '../domain/addresses.ts';
import { ParleyError } from '../domain/errors.ts';
import { backoffDelay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Held, Outcome, Received } from '../links/transport.ts';
import type { MessageDraft } from '../protocol/message-v2.ts';

/** How long a message that failed waits before it is handed out again, unless told otherwise. */
const RETRY_BACKOFF = { baseMs: 1_000, maxMs: 60_000 };

/** A message in the hands of a loop. Its lease is extended until it is settled. */
export interface Consumed extends Received {
  /** Done. What it gave rise to is sent in the same step; said again after a crash, it is not sent twice. */
  ack(outputs?: readonly MessageDraft[]): Promise<void>;
  /** Not done: again later. Without a delay it doubles with each attempt, from a second to a minute. */
  nack(reason: string, delaySeconds?: number): Promise<void>;
}

/** What a consumer needs of a mailbox. */
export interface ConsumerMailbox {
  poll(leaseMs: number, signal: AbortSignal): Promise<readonly Received[]>;
  extend(held: Held, leaseMs: number): Promise<number>;
  settle(held: Held, outcome: Outcome): Promise<void>;
  ack(received: Received, outputs: readonly MessageDraft[]): Promise<void>;
}

export interface ConsumerOptions {
  readonly agent: AgentId;
  readonly mailbox: ConsumerMailbox;
  /** How many messages may be in hand at once. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface InHand {
  readonly held: Held;
  stopExtending(): void;
}

/** One loop over a mailbox. */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  readonly #inHand = new Set<InHand>();
  #onRoom: () => void = () => undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#stopping.signal]);
  }

  /** Ends when the signal aborts. However it ends, what is not settled is handed back. */
  async *messages(): AsyncGenerator<Consumed, void, undefined> {
    const { mailbox, leaseMs } = this.#options;
    try {
      while (!this.#signal.aborted) {
        await this.#room();
        if (this.#signal.aborted) return;
        const [received] = await mailbox.poll(leaseMs, this.#signal);
        if (received) yield this.#take(received);
      }
    } finally {
      await this.stop();
    }
  }

  /** Claims no more, and hands back what is not settled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#inHand].map((inHand) => this.#handBack(inHand, 'the consumer stopped', false)));
  }

  /**
   * Waits until one more may be in hand. A loop that takes one after the other is through with the last one when it asks for the next:
   * if it has not settled it, it never will, and that counts as a failed attempt.
   */
  async #room(): Promise<void> {
    const { concurrency } = this.#options;
    if (concurrency === 1) {
      for (const inHand of this.#inHand) await this.#handBack(inHand, 'the loop went on without settling it', true);
    }
    while (this.#inHand.size >= concurrency && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#signal.removeEventListener('abort', done);
          resolve();
        };
        this.#onRoom = done;
        this.#signal.addEventListener('abort', done, { once: true });
      });
    }
  }

  #take(received: Received): Consumed {
    const { agent, mailbox } = this.#options;
    const held = { id: received.message.id, agent, token: received.token };
    const inHand = { held, stopExtending: this.#keepLease(held, () => this.#drop(inHand)) };
    this.#inHand.add(inHand);
    return {
      ...received,
      ack: (outputs = []) => this.#settle(inHand, mailbox.ack(received, outputs)),
      nack: (reason, delaySeconds) => {
        const delayMs =
          delaySeconds === undefined
            ? backoffDelay(received.attempt, RETRY_BACKOFF)
            : Math.max(0, Math.ceil(delaySeconds * 1000));
        return this.#settle(inHand, mailbox.settle(held, { kind: 'nack', reason, delayMs, countsAsAttempt: true }));
      },
    };
  }

  /** Unless it failed for a reason that passes (a full disk), it is not in hand any more. */
  async #settle(inHand: InHand, settled: Promise<void>): Promise<void> {
    try {
      await settled;
    } catch (error) {
      if (isLost(error)) this.#drop(inHand);
      throw error;
    }
    this.#drop(inHand);
  }

  async #handBack(inHand: InHand, reason: string, countsAsAttempt: boolean): Promise<void> {
    const { mailbox } = this.#options;
    this.#drop(inHand);
    try {
      await mailbox.settle(inHand.held, { kind: 'nack', reason, delayMs: 0, countsAsAttempt });
    } catch (error) {
      // It is settled already, or its lease runs out by itself.
      if (!(error instanceof ParleyError)) throw error;
    }
  }

  #drop(inHand: InHand): void {
    inHand.stopExtending();
    this.#inHand.delete(inHand);
    this.#onRoom();
  }

  /** Extends the lease each time half of it has passed. The returned function ends that. */
  #keepLease(held: Held, onLost: () => void): () => void {
    const { mailbox, leaseMs, clock } = this.#options;
    let stopped = false;
    let cancel: () => void = () => undefined;
    const extend = async (): Promise<void> => {
      try {
        await mailbox.extend(held, leaseMs);
      } catch (error) {
        if (isLost(error)) return onLost();
      }
      if (!stopped) arm();
    };
    const arm = (): void => {
      cancel = clock.timer(clock.now() + Math.ceil(leaseMs / 2), () => void extend());
    };
    arm();
    return () => {
      stopped = true;
      cancel();
    };
  }
}

const isLost = (error: unknown): boolean => error instanceof ParleyError && error.code === 'LEASE_LOST';
