import { agentAddress, agentId, conversationId } from '../domain/addresses.ts';
import { ParleyError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { DeadLetter, DeliveryState, Held, Outcome, Received, Transport } from '../links/transport.ts';
import { type MessageDraft, type MessageV2, nameOf, toMessageV2 } from '../protocol/message-v2.ts';
import type { AddressedMessage, SpoolArchive } from '../spool/archive.ts';
import type { Spool } from '../spool/spool.ts';
import { type Consumed, Consumer } from './consumer.ts';
import { type Metric, metrics } from './metrics.ts';
import { attend } from './presence.ts';
import type { CoordinatorRegistry } from './registry.ts';
import type { Routes } from './routes.ts';
import { Sender, type Sent } from './sender.ts';
import { notSettleable } from './settling.ts';
import { addressee } from './spool-transport.ts';
import { type TailEvent, type TailFilter, tail } from './tail.ts';

/** What a coordinator is made of: see open.ts. */
export interface CoordinatorParts {
  readonly registry: CoordinatorRegistry;
  readonly routes: Routes;
  readonly home: Transport;
  /** null when messages are files: those have no conversations, no search and no tail. */
  readonly database: { readonly spool: Spool; readonly archive: SpoolArchive } | null;
  readonly ttlHours: number;
  /** For a poll, in seconds, unless it says otherwise. */
  readonly pollLeaseSeconds: number;
  /** For a consumer, in seconds, which extends its leases. */
  readonly consumeLeaseSeconds: number;
  readonly clock: Clock;
  /** Hands out again what processes that were killed had in their hands. */
  recover(): Promise<number>;
  close(): Promise<void>;
}

export interface MessageStatus {
  readonly message: MessageV2;
  readonly deliveries: readonly DeliveryState[];
}

/** The names are those of the implementation guide. */
export interface Stats {
  readonly total_messages: number;
  readonly deliveries: ReturnType<Transport['count']>['deliveries'];
  readonly agents: { readonly active: number; readonly inactive: number; readonly offline: number };
}

export interface ConversationSummary {
  readonly id: string;
  readonly messages: number;
  readonly participants: readonly string[];
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly lastSubject: string;
}

export interface SearchHit {
  readonly message: MessageV2;
  /** The words around what was found, which is in [brackets]. */
  readonly snippet: string;
}

export interface DeadLetterFilter {
  readonly agent?: string;
  /** A part of the reason; upper and lower case are the same. */
  readonly reason?: string;
  readonly olderThanHours?: number;
}

/** One dead letter (of one recipient, or of all that the message had), those that match, or all. */
export type Redrive = { readonly id: string; readonly agent?: string } | { readonly filter: DeadLetterFilter } | 'all';

export interface PollSettings {
  /** At most this many, up to 1000; default 10. */
  readonly limit?: number;
  /** Default 300: a person, or a program that comes back later, takes its time. */
  readonly leaseSeconds?: number;
  /** Wait until there is something, or the signal aborts. */
  readonly wait?: boolean;
  readonly signal?: AbortSignal;
}

export interface ConsumeSettings {
  /** How many messages may be in hand at once, up to 1000; default 1. */
  readonly concurrency?: number;
  /** Extended while the work goes on; default 60. */
  readonly leaseSeconds?: number;
  readonly signal?: AbortSignal;
}

const MANY = 1000;
const WEEK_SECONDS = 7 * 24 * 3600;
const YEAR_SECONDS = 366 * 24 * 3600;
const HOUR_MS = 3_600_000;
const DEFAULT_CLEANUP_HOURS = 24;

/** Messages between registered agents, for programs. What rejects or throws is a ParleyError. */
export class Coordinator implements AsyncDisposable {
  readonly registry: CoordinatorRegistry;
  readonly #parts: CoordinatorParts;
  readonly #routes: Routes;
  readonly #home: Transport;
  readonly #sender: Sender;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #consumers = new Set<Consumer>();
  #closed: Promise<void> | null = null;

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
    this.registry = parts.registry;
    this.#routes = parts.routes;
    this.#home = parts.home;
    this.#clock = parts.clock;
    this.#sender = new Sender(parts);
  }

  /** Resolves when the message is durable. Rejects with MESSAGE_INVALID, AGENT_UNKNOWN, or CONFIG_INVALID when there is no way to the recipient. */
  send(draft: MessageDraft, { deliverAt }: { readonly deliverAt?: number } = {}): Promise<Sent> {
    return this.#sender.send(draft, deliverAt);
  }

  /** Takes leases on an agent's messages, most pressing first. The leases outlive this process. */
  async poll(agent: string, settings: PollSettings = {}): Promise<readonly Received[]> {
    const { limit = 10, leaseSeconds = this.#parts.pollLeaseSeconds, wait = false, signal } = settings;
    requireWhole('limit', limit, MANY);
    requireSeconds('leaseSeconds', leaseSeconds);
    const card = this.#routes.requireHere(agent);
    const mailbox = this.#routes.mailbox(agent);
    const until = this.#until(signal);
    await this.#sender.forward([card]);
    if (until.aborted) return [];
    const options = { limit, leaseMs: milliseconds(leaseSeconds), wait, detached: true };
    const leave = attend(this.registry, agent, this.#clock);
    try {
      const [received] = await Promise.all([mailbox.poll(card.id, options, until), this.registry.heartbeat(agent)]);
      return received;
    } finally {
      leave();
    }
  }

  /** Done. Without a token it settles the lease that is held, whoever took it. Rejects with MESSAGE_INVALID or LEASE_LOST. */
  ack(id: string, agent: string, { token }: { readonly token?: string } = {}): Promise<void> {
    return this.#settle(id, agent, token, { kind: 'ack' });
  }

  /** Not done: `queued` again, at once unless there is a delay, or `failed` when that was the last attempt. Rejects as `ack` does. */
  async nack(
    id: string,
    agent: string,
    {
      reason,
      delaySeconds = 0,
      token,
    }: { readonly reason: string; readonly delaySeconds?: number; readonly token?: string },
  ): Promise<'queued' | 'failed'> {
    if (delaySeconds !== 0) requireSeconds('delaySeconds', delaySeconds, YEAR_SECONDS);
    await this.#settle(id, agent, token, {
      kind: 'nack',
      reason,
      delayMs: milliseconds(delaySeconds),
      countsAsAttempt: true,
    });
    const settled = this.#routes.mailbox(agent).status(id);
    return settled.some(({ to, status }) => to === agent && status === 'failed') ? 'failed' : 'queued';
  }

  /** How a message stands with each recipient; null when there is none with this id. */
  status(id: string): MessageStatus | null {
    const message = this.#home.find(id);
    if (!message) return null;
    const deliveries = this.#home.status(id).map((delivery) => {
      const mailbox = this.#routes.mailbox(delivery.to);
      if (mailbox === this.#home || delivery.status !== 'acked') return delivery;
      // Acked here means that its link has taken it: the rest is known at the other end.
      return mailbox.status(id).find(({ to }) => to === delivery.to) ?? delivery;
    });
    return { message, deliveries };
  }

  stats(): Stats {
    const { messages, deliveries } = this.#home.count();
    const agents = { active: 0, inactive: 0, offline: 0 };
    for (const { status } of this.registry.list()) agents[status]++;
    return { total_messages: messages, deliveries, agents };
  }

  metrics(): readonly Metric[] {
    return metrics({
      deliveries: this.#home.count().deliveries,
      oldestLeased: this.#home.oldestLeased(),
      agents: this.registry.list(),
      now: this.#clock.now(),
    });
  }

  /** Whether what is stored is sound. Reads all of it. */
  verify(): { readonly ok: boolean; readonly detail: string } {
    const problems = this.#routes.transports.flatMap((transport) => transport.problems());
    return problems.length === 0 ? { ok: true, detail: 'ok' } : { ok: false, detail: problems.join('; ') };
  }

  /** Expires what is past its time to live, and forgets what was acked or had expired longer ago than that (default 24 hours). Dead letters stay. */
  async cleanup({
    dryRun = false,
    olderThanHours = DEFAULT_CLEANUP_HOURS,
  }: {
    readonly dryRun?: boolean;
    readonly olderThanHours?: number;
  } = {}): Promise<{
    readonly expired: number;
    readonly removed: number;
    readonly dryRun: boolean;
  }> {
    const total = { expired: 0, removed: 0 };
    for (const transport of this.#routes.transports) {
      const { expired, removed } = await transport.cleanup(this.#hoursAgo(olderThanHours), { dryRun });
      total.expired += expired;
      total.removed += removed;
    }
    return { ...total, dryRun };
  }

  /** The most recent first; 50 unless told otherwise. */
  conversations({
    limit = 50,
    agent,
  }: {
    readonly limit?: number;
    readonly agent?: string;
  } = {}): readonly ConversationSummary[] {
    requireWhole('limit', limit, MANY);
    return this.#archive('conversations')
      .conversations({ limit, ...(agent !== undefined && { participant: agentAddress(agentId(agent)) }) })
      .map((report) => ({ ...report, participants: report.participants.map(nameOf) }));
  }

  /** All messages of a conversation, oldest first. */
  conversation(id: string): readonly MessageV2[] {
    return this.#archive('conversations').conversation(conversationId(id)).map(toWire);
  }

  /** Messages that have all these words, or "phrases", in subject or body; best first, 20 unless told otherwise. */
  async search(
    text: string,
    {
      conversation,
      agent,
      limit = 20,
    }: { readonly conversation?: string; readonly agent?: string; readonly limit?: number } = {},
  ): Promise<readonly SearchHit[]> {
    requireWhole('limit', limit, MANY);
    const found = await this.#archive('search').search(text, {
      limit,
      ...(conversation !== undefined && { conversation: conversationId(conversation) }),
      ...(agent !== undefined && { participant: agentAddress(agentId(agent)) }),
    });
    return found.map((match) => ({ message: toWire(match), snippet: match.snippet }));
  }

  /** Oldest first. */
  deadLetters(filter: DeadLetterFilter = {}): readonly DeadLetter[] {
    const matches = this.#matcher({ filter });
    return this.#routes.transports
      .flatMap((transport) => transport.deadLetters().filter(matches))
      .sort((a, b) => a.at - b.at);
  }

  /** Hands dead letters out again, with all their attempts and a day to live; how many. */
  async redrive(which: Redrive): Promise<number> {
    const matches = this.#matcher(which);
    let redriven = 0;
    for (const transport of this.#routes.transports) {
      for (const letter of transport.deadLetters().filter(matches)) {
        if (await transport.redrive(letter)) redriven++;
      }
    }
    return redriven;
  }

  /**
   * An agent's messages as they come, for `for await`. Each has to be settled with its `ack` or `nack`; its lease is extended until
   * then. Leaving the loop, or aborting, hands back what is not settled. Throws AGENT_UNKNOWN when the loop begins.
   */
  async *consume(agent: string, settings: ConsumeSettings = {}): AsyncGenerator<Consumed, void, undefined> {
    const { concurrency = 1, leaseSeconds = this.#parts.consumeLeaseSeconds, signal } = settings;
    requireWhole('concurrency', concurrency, MANY);
    requireSeconds('leaseSeconds', leaseSeconds);
    const card = this.#routes.requireHere(agent);
    const mailbox = this.#routes.mailbox(agent);
    await this.registry.heartbeat(agent);
    await this.#parts.recover();
    await this.#sender.forward([card]);
    const consumer = new Consumer({
      agent: card.id,
      mailbox: {
        poll: (leaseMs, until) => mailbox.poll(card.id, { limit: 1, leaseMs, wait: true, detached: false }, until),
        extend: (held, leaseMs) => mailbox.extend(held, leaseMs),
        settle: (held, outcome) => mailbox.settle(held, outcome),
        ack: (received, outputs) => this.#sender.ack(card.id, mailbox, received, outputs),
      },
      concurrency,
      leaseMs: milliseconds(leaseSeconds),
      clock: this.#clock,
      signal: this.#until(signal),
    });
    this.#consumers.add(consumer);
    const leave = attend(this.registry, agent, this.#clock);
    try {
      yield* consumer.messages();
    } finally {
      leave();
      this.#consumers.delete(consumer);
    }
  }

  /** What happens from now on, in any process on the database, until the signal aborts. */
  tail({ signal, ...filter }: TailFilter & { readonly signal?: AbortSignal } = {}): AsyncIterable<TailEvent> {
    const archive = this.#archive('tail');
    const { spool } = this.#requireDatabase('tail');
    return tail({ spool, archive, clock: this.#clock }, filter, this.#until(signal));
  }

  /** Ends waiting polls, consumers and tails, hands back what consumers have not settled, and closes. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()));
    await this.#parts.close();
  }

  async #settle(id: string, agent: string, token: string | undefined, outcome: Outcome): Promise<void> {
    const mailbox = this.#routes.mailbox(agent);
    const held: Held | null =
      token === undefined ? mailbox.holder(id, agentId(agent)) : { id, agent: agentId(agent), token };
    if (!held) throw notSettleable(mailbox, id, agent);
    try {
      await mailbox.settle(held, outcome);
    } catch (error) {
      throw error instanceof ParleyError && error.code === 'LEASE_LOST' ? notSettleable(mailbox, id, agent) : error;
    }
  }

  #matcher(which: Redrive): (letter: DeadLetter) => boolean {
    if (which === 'all') return () => true;
    if ('id' in which) {
      return ({ message, agent }) => message.id === which.id && (which.agent === undefined || agent === which.agent);
    }
    const { agent, reason, olderThanHours } = which.filter;
    const words = reason?.toLowerCase() ?? '';
    const before = olderThanHours === undefined ? Number.POSITIVE_INFINITY : this.#hoursAgo(olderThanHours);
    return (letter) =>
      (agent === undefined || letter.agent === agent) &&
      letter.reason.toLowerCase().includes(words) &&
      letter.at <= before;
  }

  #hoursAgo(hours: number): number {
    return this.#clock.now() - hours * HOUR_MS;
  }

  /** Whichever comes first, the caller's signal or our close. */
  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
  }

  #archive(what: string): SpoolArchive {
    return this.#requireDatabase(what).archive;
  }

  #requireDatabase(what: string): { readonly spool: Spool; readonly archive: SpoolArchive } {
    const { database } = this.#parts;
    if (database) return database;
    throw new ParleyError('USAGE', `The file transport has no ${what}.`, {
      hint: 'Use the sqlite transport: --transport sqlite, or AGENT_COMM_TRANSPORT=sqlite.',
    });
  }
}

const toWire = ({ message, to }: AddressedMessage): MessageV2 => toMessageV2(message, addressee(to));

function requireWhole(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new ParleyError('USAGE', `${name} must be a whole number from 1 to ${most}, not ${value}.`);
}

function requireSeconds(name: string, value: number, most = WEEK_SECONDS): void {
  if (value > 0 && value <= most) return;
  throw new ParleyError('USAGE', `${name} must be more than 0 and at most ${most} seconds, not ${value}.`);
}

/** Whole ones: the database has no others. */
const milliseconds = (seconds: number): number => Math.ceil(seconds * 1000);
