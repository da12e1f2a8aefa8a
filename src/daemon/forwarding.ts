import type { Handler } from '../delivery/worker.ts';
import { Worker } from '../delivery/worker.ts';
import { type AgentId, agentAddress } from '../domain/addresses.ts';
import type { Settlement } from '../domain/delivery.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import { ParleyError } from '../domain/errors.ts';
import type { Message, NewMessage } from '../domain/message.ts';
import { assignmentResultId, TASK, type TaskAnswer, taskResult } from '../domain/task.ts';
import { continueTrace } from '../domain/trace.ts';
import { type Backoff, backoffDelay } from '../lib/backoff.ts';
import { type Clock, sleep } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Link } from '../links/link.ts';
import { ENVELOPE } from '../protocol/ai-comms-1.0.ts';
import { restamped } from '../protocol/envelope.ts';
import type { EnvelopeKeys } from '../protocol/keys.ts';
import { toMessageV2 } from '../protocol/message-v2.ts';
import type { Spool } from '../spool/spool.ts';

export interface ForwardingOptions {
  readonly spool: Spool;
  readonly directory: AgentDirectory;
  /** The ways to agents elsewhere, by what their cards say. */
  readonly links: ReadonlyMap<string, Way>;
  /** What the agents of this machine sign with: what has waited is signed anew before it leaves. null: it is sent as it is. */
  readonly keys: EnvelopeKeys | null;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface Way {
  readonly link: Link;
  /** How many messages of one agent are under way at a time; with more than one, only those of one conversation stay in order. */
  readonly concurrency: number;
  /** Which of these agents this process can reach; default: all. */
  readonly serves?: (agent: AgentId) => boolean;
}

const LEASE_MS = 60_000;
/** What has waited for longer, in milliseconds, is signed anew: well below the age that an envelope may have. */
const FRESH_MS = 30_000;
const BACKOFF: Backoff = { baseMs: 1_000, maxMs: 60_000 };
/** How often it is looked for agents that were registered or have moved since, in milliseconds. */
const LOOK_MS = 5_000;

/** Serves the mailboxes of all agents elsewhere: what is in them is handed over, and waits while that is not possible. */
export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #workers = new Map<AgentId, Worker>();
  readonly #closing = new AbortController();
  #cancel: () => void = () => undefined;

  /** Starts at once. */
  constructor(options: ForwardingOptions) {
    this.#options = options;
    this.look();
  }

  /** Begins nothing new, and resolves when what is on its way has arrived or failed. */
  async stop(): Promise<void> {
    this.#closing.abort();
    this.#cancel();
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
  }

  /** Looks for agents that were registered or have moved; done by itself every few seconds. */
  look(): void {
    const { spool, directory, links, logger, clock } = this.#options;
    if (this.#closing.signal.aborted) return;
    this.#cancel();
    this.#cancel = clock.timer(clock.now() + LOOK_MS, () => this.look());
    const remote = new Set<AgentId>();
    for (const { id, transport } of directory.list()) {
      const way = links.get(transport);
      if (!way || way.serves?.(id) === false) continue;
      remote.add(id);
      if (this.#workers.has(id)) continue;
      const { concurrency } = way;
      const handle = forwardTo(id, this.#options, this.#closing.signal);
      this.#workers.set(
        id,
        new Worker({ spool, mailbox: agentAddress(id), handle, concurrency, leaseMs: LEASE_MS, logger, clock }),
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
function forwardTo(id: AgentId, { directory, links, keys, clock }: ForwardingOptions, closing: AbortSignal): Handler {
  let failures = 0;
  let closedUntil = 0;
  return async ({ message, to }, signal) => {
    const over = AbortSignal.any([signal, closing]);
    if (clock.now() < closedUntil) await sleep(clock, closedUntil - clock.now(), over);
    const card = directory.get(id);
    const way = card && links.get(card.transport);
    if (over.aborted || !way) return notNow('forwarding ended', 0);
    const waited = clock.now() - message.acceptedAt > FRESH_MS && message.payload.type === ENVELOPE;
    const outgoing = waited && keys ? { ...message, body: restamped(message.body, keys, clock.now()) } : message;
    try {
      const answer = await way.link.deliver(toMessageV2(outgoing, to), card, over);
      failures = 0;
      return { kind: 'ack', outputs: answer ? [resultOf(message, id, answer)] : [] };
    } catch (error) {
      const reason = errorText(error);
      if (over.aborted) return notNow(reason, 0);
      if (error instanceof ParleyError && error.code === 'MESSAGE_INVALID') return refused(message, id, reason);
      const delayMs = backoffDelay(++failures, BACKOFF);
      closedUntil = clock.now() + delayMs;
      return notNow(reason, delayMs);
    }
  };
}

/** Nothing is wrong with the message. */
const notNow = (reason: string, delayMs: number) =>
  ({ kind: 'nack', reason, delayMs, countsAsAttempt: false }) as const;

/** Whoever gave a task waits for an answer; anything else is a dead letter, which its sender hears of. */
function refused(message: Message, id: AgentId, reason: string): Settlement {
  if (message.payload.type !== TASK) return { kind: 'term', reason };
  return { kind: 'ack', outputs: [resultOf(message, id, { ok: false, error: reason })] };
}

/** What an agent elsewhere has made of a task, as a message from it. */
function resultOf(task: Message, agent: AgentId, answer: TaskAnswer): NewMessage {
  const { id, conversation, trace } = task;
  return {
    id: assignmentResultId(id, agent),
    from: agentAddress(agent),
    deliveries: [{ to: task.from, orderingKey: conversation, maxAttempts: RESULT_ATTEMPTS }],
    conversation,
    replyTo: id,
    ...taskResult(answer),
    trace: continueTrace(trace, id, trace.budget),
  };
}

const RESULT_ATTEMPTS = 10;
