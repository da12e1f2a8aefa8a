import type { Address } from '../domain/addresses.ts';
import type { Delivery, Lease, Settlement } from '../domain/delivery.ts';
import { ParleyError } from '../domain/errors.ts';
import { type Clock, sleep, systemClock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Spool } from '../spool/spool.ts';
import { afterFailure } from './retry-policy.ts';

/**
 * What is done with a delivery. It has no lasting effect of its own: what it gave rise to is in the settlement it returns. The
 * signal aborts when the lease is lost or the worker must stop at once; what is thrown counts as a failed attempt.
 */
export type Handler = (delivery: Delivery, signal: AbortSignal) => Promise<Settlement>;

export interface WorkerOptions {
  readonly spool: Spool;
  readonly mailbox: Address;
  readonly handle: Handler;
  /** How many deliveries at once; those that share an ordering key are one at a time in any case. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** How long to wait before claiming again when the spool itself failed (a full disk), in milliseconds. */
const SPOOL_FAILED_MS = 1_000;

/** Serves one mailbox: claim, handle, settle, for ever. The same loop for agents, channel outboxes and everything else. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #clock: Clock;
  readonly #claiming = new AbortController();
  readonly #handling = new AbortController();
  readonly #loops: Promise<void>[];

  /** Starts at once. */
  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#loops = Array.from({ length: options.concurrency }, () => this.#loop());
  }

  /** Claims no more, and resolves when what is in hand is settled. With a signal: gives that up when it aborts; it is handed out again later. */
  async stop(giveUp?: AbortSignal): Promise<void> {
    this.#claiming.abort();
    const abandon = (): void => this.#handling.abort();
    if (giveUp?.aborted) abandon();
    giveUp?.addEventListener('abort', abandon, { once: true });
    await Promise.all(this.#loops);
    giveUp?.removeEventListener('abort', abandon);
  }

  async #loop(): Promise<void> {
    const { spool, mailbox, leaseMs, logger } = this.#options;
    while (!this.#claiming.signal.aborted) {
      try {
        const [delivery] = await spool.claim(mailbox, { leaseMs, wait: true }, this.#claiming.signal);
        // A claim that waits comes back empty only when this worker stops or the spool was closed.
        if (!delivery) return;
        await this.#serve(delivery);
      } catch (error) {
        logger.error({ mailbox, error: errorText(error) }, 'the spool failed; trying again');
        await sleep(this.#clock, SPOOL_FAILED_MS, this.#claiming.signal);
      }
    }
  }

  async #serve(delivery: Delivery): Promise<void> {
    const { leaseMs } = this.#options;
    const lost = new AbortController();
    const keeper = this.#keepLease(delivery.lease, lost);
    const settlement = await this.#handle(delivery, AbortSignal.any([lost.signal, this.#handling.signal]));
    keeper.stop();
    if (lost.signal.aborted) return;
    await this.#settle(delivery, settlement, this.#clock.now() + leaseMs / 2);
  }

  async #handle(delivery: Delivery, signal: AbortSignal): Promise<Settlement> {
    const { handle } = this.#options;
    try {
      const settlement = await handle(delivery, signal);
      if (settlement.kind === 'term') {
        const { mailbox, logger } = this.#options;
        logger.warn({ mailbox, message: delivery.message.id, reason: settlement.reason }, 'given up');
      }
      return settlement;
    } catch (error) {
      const reason = errorText(error);
      if (this.#handling.signal.aborted)
        return { kind: 'nack', reason: 'the worker stopped', delayMs: 0, countsAsAttempt: false };
      return this.#failed(delivery, reason);
    }
  }

  #failed({ attempt, maxAttempts, message }: Delivery, reason: string): Settlement {
    const { logger, mailbox } = this.#options;
    const decision = afterFailure(attempt, maxAttempts);
    logger.warn({ mailbox, message: message.id, attempt, reason, decision: decision.kind }, 'handling failed');
    return decision.kind === 'retry' ? { kind: 'nack', reason, delayMs: decision.delayMs } : { kind: 'term', reason };
  }

  /** The work is done and only its record is missing: tried again while the lease lasts; after that it is handed out again. */
  async #settle(delivery: Delivery, settlement: Settlement, leasedUntil: number): Promise<void> {
    const { spool, logger, mailbox } = this.#options;
    const message = delivery.message.id;
    for (;;) {
      try {
        return await spool.settle(delivery.lease, settlement);
      } catch (error) {
        if (!(error instanceof ParleyError))
          return this.#settle(delivery, this.#failed(delivery, errorText(error)), leasedUntil);
        logger.error({ mailbox, message, code: error.code, reason: error.message }, 'settling failed');
        const final = error.code === 'LEASE_LOST' || error.code === 'SPOOL_CLOSED' || this.#clock.now() >= leasedUntil;
        if (final || this.#claiming.signal.aborted) return;
        await sleep(this.#clock, SPOOL_FAILED_MS, this.#claiming.signal);
      }
    }
  }

  /** Extends the lease each time half of it has passed. A lost lease aborts the handling: somebody else has it now. */
  #keepLease(lease: Lease, lost: AbortController): { stop(): void } {
    const { spool, leaseMs } = this.#options;
    let cancel: () => void = () => undefined;
    let stopped = false;
    const arm = (waitMs = leaseMs / 2): void => {
      cancel = this.#clock.timer(this.#clock.now() + waitMs, () => {
        spool.extend(lease, leaseMs).then(
          () => {
            if (!stopped) arm();
          },
          (error: unknown) => {
            if (error instanceof ParleyError && error.code === 'LEASE_LOST') lost.abort();
            else if (!stopped) arm(Math.min(SPOOL_FAILED_MS, leaseMs / 8));
          },
        );
      });
    };
    arm();
    return {
      stop: () => {
        stopped = true;
        cancel();
      },
    };
  }
}
