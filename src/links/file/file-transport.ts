import { randomBytes } from 'node:crypto';
import { type AgentId, isAgentId } from '../../domain/addresses.ts';
import type { AgentCard } from '../../domain/agent-card.ts';
import type { DeliveryStatus } from '../../domain/delivery.ts';
import { ParleyError } from '../../domain/errors.ts';
import { DEFAULT_MAX_ATTEMPTS, DEFAULT_TTL_MS, PRIORITIES } from '../../domain/message.ts';
import { type Clock, sleep, systemClock } from '../../lib/clock.ts';
import { EVERYBODY, type MessageV2, parseMessageV2 } from '../../protocol/message-v2.ts';
import type { Link } from '../link.ts';
import type {
  DeadLetter,
  DeliveryState,
  Held,
  Outcome,
  Outgoing,
  PollOptions,
  Received,
  Transport,
} from '../transport.ts';
import { type FileState, MailboxFolders, STATES } from './folders.ts';
import { type FileName, formatName, isFileName, parseName, requireFileName } from './names.ts';

/** How often a waiting poll looks into the folder, in milliseconds. */
const LOOK_MS = 250;

const STATUS: Readonly<Record<FileState, DeliveryStatus>> = {
  queued: 'queued',
  claimed: 'leased',
  done: 'acked',
  failed: 'failed',
  expired: 'expired',
};

/** A message's file, where it is now. */
interface Entry extends FileName {
  readonly agent: AgentId;
  readonly state: FileState;
  readonly name: string;
}

/** A file that was read and understood. */
interface Opened {
  readonly entry: Entry;
  readonly message: MessageV2;
  readonly expiresAt: number;
  /** When it was written, nanoseconds: renaming leaves it alone, so it is the order of arrival. */
  readonly modified: bigint;
}

/**
 * Mailboxes that are folders, for debugging: one message, one JSON file, which anybody can look at, put there or take away. Each
 * change is one rename, so no two processes claim the same file; it is not fast, and every look reads the whole folder.
 */
export class FileTransport implements Transport, Link {
  readonly #folders: MailboxFolders;
  readonly #clock: Clock;

  constructor(root: string, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#folders = new MailboxFolders(root);
    this.#clock = clock;
  }

  async deliver(message: MessageV2, to: AgentCard): Promise<null> {
    await this.send({ message, to: [to.id] });
    return null;
  }

  async send({ message, to, deliverAt }: Outgoing): Promise<boolean> {
    requireFileName(message.id);
    for (const agent of to) requireFileName(agent);
    const text = `${JSON.stringify(message, null, 2)}\n`;
    const missing = to.filter((agent) => this.#find(agent, message.id) === null);
    for (const agent of missing) this.#folders.write(agent, 'queued', this.#firstName(message, deliverAt), text);
    return missing.length > 0;
  }

  async poll(agent: AgentId, options: PollOptions, signal?: AbortSignal): Promise<readonly Received[]> {
    while (!signal?.aborted) {
      const received = this.#claim(agent, options);
      if (received.length > 0 || !options.wait) return received;
      await sleep(this.#clock, LOOK_MS, signal);
    }
    return [];
  }

  async extend(held: Held, leaseMs: number): Promise<number> {
    const entry = this.#held(held);
    const at = this.#clock.now() + leaseMs;
    if (!this.#move(entry, 'claimed', { at })) throw leaseLost(held);
    return at;
  }

  /** What an ack gives rise to is there before the message is done: after a crash in between it is there already, and not sent again. */
  async settle(held: Held, outcome: Outcome): Promise<void> {
    const entry = this.#held(held);
    const now = this.#clock.now();
    if (outcome.kind === 'ack') {
      for (const outgoing of outcome.outputs ?? []) await this.send(outgoing);
      if (!this.#move(entry, 'done', { at: now, token: null })) throw leaseLost(held);
      return;
    }
    const attempts = entry.attempts - (outcome.countsAsAttempt ? 0 : 1);
    const at = now + outcome.delayMs;
    if (!this.#handBack({ ...entry, attempts }, outcome.reason, at, outcome.countsAsAttempt)) throw leaseLost(held);
  }

  holder(id: string, agent: AgentId): Held | null {
    const entry = this.#find(agent, id);
    if (entry?.state !== 'claimed' || entry.token === null || entry.at <= this.#clock.now()) return null;
    return { id, agent, token: entry.token };
  }

  find(id: string): MessageV2 | null {
    const [first, ...others] = this.#deliveriesOf(id);
    const message = first ? (this.#open(first)?.message ?? null) : null;
    return message && others.length > 0 ? { ...message, to: EVERYBODY } : message;
  }

  status(id: string): readonly DeliveryState[] {
    return this.#deliveriesOf(id).map((entry) => ({
      to: entry.agent,
      status: STATUS[entry.state],
      attempts: entry.attempts,
      maxAttempts: DEFAULT_MAX_ATTEMPTS,
      reason: this.#folders.reason(entry.agent, id),
      leasedUntil: entry.state === 'claimed' ? entry.at : null,
    }));
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#all('failed').flatMap((entry) => {
      const message = this.#open(entry)?.message;
      if (!message) return [];
      const { agent, id, attempts, at } = entry;
      return [
        { delivery: `${agent}/${id}`, message, agent, attempts, at, reason: this.#folders.reason(agent, id) ?? '' },
      ];
    });
  }

  async redrive({ agent, message }: DeadLetter): Promise<boolean> {
    const entry = isAgentId(agent) ? this.#find(agent, message.id) : null;
    if (entry?.state !== 'failed') return false;
    return this.#move(entry, 'queued', { attempts: 0, at: 0, expiresAt: this.#clock.now() + DEFAULT_TTL_MS });
  }

  async cleanup(
    olderThan: number,
    { dryRun }: { readonly dryRun: boolean },
  ): Promise<{ expired: number; removed: number }> {
    const now = this.#clock.now();
    const late = this.#all('queued').filter(
      (entry) => (this.#open(entry)?.expiresAt ?? Number.POSITIVE_INFINITY) <= now,
    );
    if (!dryRun) for (const entry of late) this.#expire(entry);
    const settled = [...this.#all('done'), ...this.#all('expired')];
    const old = (dryRun ? [...settled, ...late.map((entry) => this.#expired(entry))] : settled).filter(
      ({ at }) => at < olderThan,
    );
    if (!dryRun) for (const entry of old) this.#forget(entry);
    return { expired: late.length, removed: old.length };
  }

  count(): ReturnType<Transport['count']> {
    const deliveries = { queued: 0, blocked: 0, leased: 0, acked: 0, failed: 0, expired: 0 };
    const ids = new Set<string>();
    for (const state of STATES) {
      for (const { id } of this.#all(state)) {
        deliveries[STATUS[state]]++;
        ids.add(id);
      }
    }
    return { messages: ids.size, deliveries };
  }

  oldestLeased(): number | null {
    const times = this.#all('claimed').flatMap((entry) => {
      const opened = this.#open(entry);
      return opened ? [Date.parse(opened.message.timestamp)] : [];
    });
    return times.length === 0 ? null : Math.min(...times);
  }

  problems(): readonly string[] {
    return this.#folders.agents().flatMap((agent) =>
      STATES.flatMap((state) =>
        this.#folders
          .names(agent, state)
          .filter((name) => parseName(name) === null)
          .map((name) => `${agent} has a file in ${state} that is no message: ${name}`),
      ),
    );
  }

  #firstName(message: MessageV2, deliverAt: number | undefined): string {
    const later = deliverAt !== undefined && deliverAt > this.#clock.now();
    const name = { id: message.id, attempts: 0, at: 0, expiresAt: null, token: null };
    return formatName(later ? { ...name, at: deliverAt, expiresAt: deliverAt + ttlMsOf(message) } : name);
  }

  #claim(agent: AgentId, { limit, leaseMs }: PollOptions): Received[] {
    const now = this.#clock.now();
    this.#takeBackLost(agent, now);
    const due = this.#entries(agent, 'queued')
      .filter(({ at }) => at <= now)
      .flatMap((entry) => this.#open(entry) ?? []);
    for (const { entry, expiresAt } of due) if (expiresAt <= now) this.#expire(entry);
    const ready = due.filter(({ expiresAt }) => expiresAt > now).sort(byUrgency);
    const received: Received[] = [];
    for (const { entry, message, expiresAt } of ready) {
      if (received.length >= limit) break;
      const [token, leasedUntil, attempt] = [randomBytes(16).toString('hex'), now + leaseMs, entry.attempts + 1];
      if (!this.#move(entry, 'claimed', { attempts: attempt, at: leasedUntil, expiresAt, token })) continue;
      received.push({
        message: { ...message, to: agent },
        attempt,
        maxAttempts: DEFAULT_MAX_ATTEMPTS,
        token,
        leasedUntil,
      });
    }
    return received;
  }

  /** A lease that ran out counts as an attempt that failed. */
  #takeBackLost(agent: AgentId, now: number): void {
    for (const entry of this.#entries(agent, 'claimed')) {
      if (entry.at <= now) this.#handBack(entry, 'the lease ran out', now, true);
    }
  }

  /** False when somebody else was faster. */
  #handBack(entry: Entry, reason: string, at: number, countsAsAttempt: boolean): boolean {
    const given = countsAsAttempt && entry.attempts >= DEFAULT_MAX_ATTEMPTS;
    const changes = { attempts: entry.attempts, token: null, at: given ? this.#clock.now() : at };
    if (!this.#move(entry, given ? 'failed' : 'queued', changes)) return false;
    this.#folders.write(entry.agent, 'reasons', `${entry.id}.txt`, reason);
    return true;
  }

  #expire(entry: Entry): void {
    this.#move(entry, 'expired', this.#expired(entry));
  }

  /** The same, as it is once it has expired: that was when its time was over, and not only now. */
  #expired(entry: Entry): Entry {
    const expiresAt = this.#open(entry)?.expiresAt ?? this.#clock.now();
    return { ...entry, at: expiresAt, expiresAt };
  }

  #forget({ agent, state, name, id }: Entry): void {
    this.#folders.remove(agent, { state, name });
    this.#folders.remove(agent, { state: 'reasons', name: `${id}.txt` });
  }

  /** False when the file is not there any more. */
  #move(entry: Entry, state: FileState, changes: Partial<FileName>): boolean {
    const { id, attempts, at, expiresAt, token } = { ...entry, ...changes };
    const name = formatName({ id, attempts, at, expiresAt: expiresAt ?? this.#clock.now() + DEFAULT_TTL_MS, token });
    return this.#folders.move(entry.agent, entry, { state, name });
  }

  /** Throws LEASE_LOST unless it is held by whoever has this token. */
  #held(held: Held): Entry {
    const entry = isFileName(held.id) ? this.#find(held.agent, held.id) : null;
    if (entry?.state === 'claimed' && entry.token === held.token && entry.at > this.#clock.now()) return entry;
    throw leaseLost(held);
  }

  /** null when it has gone, or was not a message and is now in quarantine. */
  #open(entry: Entry): Opened | null {
    let reason: string;
    try {
      const file = this.#folders.read(entry.agent, entry);
      if (!file) return null;
      const message = parseMessageV2(JSON.parse(file.text));
      if (message.ok && message.value.id === entry.id) {
        const expiresAt = entry.expiresAt ?? Date.parse(message.value.timestamp) + ttlMsOf(message.value);
        return { entry, message: message.value, expiresAt, modified: file.modified };
      }
      reason = message.ok ? `its id is ${message.value.id}, and its name says ${entry.id}` : message.error.message;
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
      reason = error.message;
    }
    this.#quarantine(entry.agent, entry, reason);
    return null;
  }

  #quarantine(agent: AgentId, { state, name }: { state: FileState; name: string }, reason: string): void {
    if (!this.#folders.move(agent, { state, name }, { state: 'quarantine', name })) return;
    // A name may be as long as the file system lets it: then there is no room for an ending.
    const label = name.length > 60 ? name.slice(0, 60) : name;
    this.#folders.write(agent, 'quarantine', `${label}.reason.txt`, `${reason}\n`);
  }

  #deliveriesOf(id: string): Entry[] {
    if (!isFileName(id)) return [];
    return this.#folders.agents().flatMap((agent) => this.#find(agent, id) ?? []);
  }

  #find(agent: AgentId, id: string): Entry | null {
    for (const state of STATES) {
      const entry = this.#entries(agent, state).find((other) => other.id === id);
      if (entry) return entry;
    }
    return null;
  }

  #all(state: FileState): Entry[] {
    return this.#folders.agents().flatMap((agent) => this.#entries(agent, state));
  }

  /** The messages in a folder. What was put into the mailbox and cannot be one goes into quarantine. */
  #entries(agent: AgentId, state: FileState): Entry[] {
    return this.#folders.names(agent, state).flatMap((name) => {
      const parsed = parseName(name);
      if (parsed) return [{ ...parsed, agent, state, name }];
      if (state === 'queued') this.#quarantine(agent, { state, name }, 'its name is not that of a message: <id>.json');
      return [];
    });
  }
}

function byUrgency(a: Opened, b: Opened): number {
  const pressing = PRIORITIES.indexOf(a.message.priority) - PRIORITIES.indexOf(b.message.priority);
  if (pressing !== 0) return pressing;
  return a.modified === b.modified ? 0 : a.modified < b.modified ? -1 : 1;
}

function ttlMsOf({ routing }: MessageV2): number {
  return routing.ttl_hours === null ? DEFAULT_TTL_MS : Math.ceil(routing.ttl_hours * 3_600_000);
}

function leaseLost({ id, agent }: Held): ParleyError {
  return new ParleyError('LEASE_LOST', `The lease on message ${id} for ${agent} is not held any more.`);
}
