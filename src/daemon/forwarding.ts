import type { Handler } from '../delivery/worker.ts';
import { Worker } from '../delivery/worker.ts';
import { type AgentId, agentAddress } from '../domain/addresses.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import { ParleyError } from '../domain/errors.ts';
import { type Backoff, backoffDelay } from '../lib/backoff.ts';
import { type Clock, sleep } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Link } from '../links/link.ts';
import { toMessageV2 } from '../protocol/message-v2.ts';
import type { Spool } from '../spool/spool.ts';

export interface ForwardingOptions {
  readonly spool: Spool;
  readonly directory: AgentDirectory;
  /** The way to the agents whose cards say `http`. */
  readonly link: Link;
  readonly logger: Logger;
  readonly clock: Clock;
}

const LEASE_MS = 60_000;
const BACKOFF: Backoff = { baseMs: 1_000, maxMs: 60_000 };
/** How often it is looked for agents that were registered or have moved since, in milliseconds. */
const LOOK_MS = 5_000;

/** Serves the mailboxes of all agents on relays: what is in them is handed over, and waits while that is not possible. */
export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #workers = new Map<AgentId, Worker>();
  readonly #closing = new AbortController();
  #cancel: () => void = () => undefined;

  /** Starts at once. */
  constructor(options: ForwardingOptions) {
    this.#options = options;
    this.#look();
  }

  /** Begins nothing new, and resolves when what is on its way has arrived or failed. */
  async stop(): Promise<void> {
    this.#closing.abort();
    this.#cancel();
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
  }

  #look(): void {
    const { spool, directory, logger, clock } = this.#options;
    this.#cancel = clock.timer(clock.now() + LOOK_MS, () => this.#look());
    const remote = new Set(directory.list().flatMap(({ id, transport }) => (transport === 'http' ? id : [])));
    for (const id of remote) {
      if (this.#workers.has(id)) continue;
      const handle = forwardTo(id, this.#options, this.#closing.signal);
      this.#workers.set(
        id,
        new Worker({ spool, mailbox: agentAddress(id), handle, concurrency: 1, leaseMs: LEASE_MS, logger, clock }),
      );
    }
    for (const [id, worker] of this.#workers) if (!remote.has(id)) this.#dismiss(id, worker);
  }

  /** The agent takes its messages out by itself from now on. */
  #dismiss(id: AgentId, worker: Worker): void {
    const { logger } = this.#options;
    this.#workers.delete(id);
    worker
      .stop()
      .catch((error: unknown) => logger.error({ agent: id, error: errorText(error) }, 'forwarding did not end'));
  }
}

/** Hands one agent's messages over. While the other side is away, one of them at a time tries the way, less and less often. */
function forwardTo(id: AgentId, { directory, link, clock }: ForwardingOptions, closing: AbortSignal): Handler {
  let failures = 0;
  let closedUntil = 0;
  return async ({ message, to }, signal) => {
    const over = AbortSignal.any([signal, closing]);
    if (clock.now() < closedUntil) await sleep(clock, closedUntil - clock.now(), over);
    const card = directory.get(id);
    if (over.aborted || card?.transport !== 'http') return notNow('forwarding ended', 0);
    try {
      await link.deliver(toMessageV2(message, to), card);
      failures = 0;
      return { kind: 'ack' };
    } catch (error) {
      const reason = errorText(error);
      if (error instanceof ParleyError && error.code === 'MESSAGE_INVALID') return { kind: 'term', reason };
      const delayMs = backoffDelay(++failures, BACKOFF);
      closedUntil = clock.now() + delayMs;
      return notNow(reason, delayMs);
    }
  };
}

/** Nothing is wrong with the message. */
const notNow = (reason: string, delayMs: number) =>
  ({ kind: 'nack', reason, delayMs, countsAsAttempt: false }) as const;
