import { type Address, type AgentId, agentAddress, agentId, agentOf, messageId } from '../domain/addresses.ts';
import type { Delivery, DeliveryStatus } from '../domain/delivery.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import type { NewMessage } from '../domain/message.ts';
import { continueTrace } from '../domain/trace.ts';
import type { Clock } from '../lib/clock.ts';
import {
  EVERYBODY,
  type MessageV2,
  nameOf,
  parseMessageV2,
  toMessageV2,
  toNewMessage,
} from '../protocol/message-v2.ts';
import type { RelaySecrets } from '../protocol/relay-stores.ts';
import type { DeliveryReport, Spool } from '../spool/spool.ts';
import { type Held, Pollers } from './pollers.ts';
import { Refusal } from './refusal.ts';

export interface MailboxesOptions {
  readonly spool: Spool;
  readonly directory: AgentDirectory;
  readonly secrets: RelaySecrets;
  readonly clock: Clock;
}

/** A message that was handed out: a MessageV2 with what is needed to settle it. */
export type LeasedMessage = MessageV2 & {
  readonly attempt: number;
  readonly max_attempts: number;
  readonly lease_token: string;
  /** ISO 8601. */
  readonly lease_expires_at: string;
};

export interface PollRequest {
  readonly limit: number;
  readonly leaseMs: number;
  readonly waitMs: number;
  /** See Pollers. */
  readonly poller: string | null;
}

/** The longest answer to a poll, in bytes of JSON, but that the first message is in it in any case. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** The entry of an agent's card that says where what is for it is forwarded to. */
const RELAY_URL = 'relay_url';

/** From what has hardly begun to what is over: of several deliveries, the first of these is how the message stands. */
const PROGRESS: readonly DeliveryStatus[] = ['blocked', 'queued', 'leased', 'failed', 'expired', 'acked'];

/** What agents do with the mailboxes of the relay, once it is known who they are. What they may not do rejects with a Refusal. */
export class Mailboxes {
  readonly #spool: Spool;
  readonly #directory: AgentDirectory;
  readonly #secrets: RelaySecrets;
  readonly #clock: Clock;
  readonly #pollers = new Pollers();

  constructor({ spool, directory, secrets, clock }: MailboxesOptions) {
    this.#spool = spool;
    this.#directory = directory;
    this.#secrets = secrets;
    this.#clock = clock;
  }

  /** Resolves when the message is durable. Sent again, it is not stored again. */
  async send(agent: AgentId, value: object) {
    const parsed = parseMessageV2(value);
    if (!parsed.ok) throw new Refusal('MESSAGE_INVALID', parsed.error.message);
    const message = parsed.value;
    if (message.from !== agent) throw new Refusal('FORBIDDEN', `'${agent}' cannot send as '${message.from}'.`);
    const recipients = this.#recipients(message);
    const [receipt] = await this.#spool.send([this.#newMessage(message, recipients)]);
    const duplicate = receipt?.duplicate === true;
    if (duplicate) this.#requireSame(message, recipients);
    return { message_id: message.id, status: this.#standing(this.#spool.status(messageId(message.id))), duplicate };
  }

  /**
   * Takes leases on what is in an agent's mailbox; waits for it if told to. When `gone` aborts, or the same poller asks again, nobody
   * hears the answer: then all of it is handed back.
   */
  async poll(agent: AgentId, request: PollRequest, gone: AbortSignal): Promise<LeasedMessage[]> {
    const { poller } = request;
    const own = poller === null ? null : this.#pollers.begin(agent, poller);
    await this.#takeBack(agent, own?.lost ?? []);
    const over = own ? AbortSignal.any([own.over, gone]) : gone;
    const claimed = await this.#claim(agent, request, over);
    const messages = claimed.map(leasedMessage);
    const fitting = over.aborted ? 0 : howManyFit(messages);
    own?.handOut(claimed.slice(0, fitting));
    await Promise.all(claimed.slice(fitting).map((delivery) => this.#handBack(delivery)));
    return messages.slice(0, fitting);
  }

  /** Acking again what is acked is no mistake: the answer may have been lost. */
  async ack(agent: AgentId, id: string, token: string | undefined) {
    const status = this.#statusFor(agent, id);
    if (status !== 'acked') await this.#spool.settle(this.#lease(agent, id, token), { kind: 'ack' });
    return { message_id: id, status: 'acked' as const };
  }

  async nack(agent: AgentId, id: string, token: string | undefined, reason: string) {
    this.#statusFor(agent, id);
    await this.#spool.settle(this.#lease(agent, id, token), { kind: 'nack', reason, delayMs: 0 });
    return { message_id: id, status: this.#statusFor(agent, id) };
  }

  /** The sender sees all deliveries, a recipient its own. To anybody else there is no such message. */
  status(agent: AgentId, id: string) {
    const own = agentAddress(agent);
    const reports = this.#spool.status(messageId(id));
    const isSender = this.#spool.message(messageId(id))?.from === own;
    const visible = isSender ? reports : reports.filter(({ to }) => to === own);
    if (visible.length === 0) throw unknownMessage(id);
    const deliveries = visible.map(({ to, status, attempts, maxAttempts, reason }) => ({
      agent: nameOf(to),
      status,
      attempts,
      max_attempts: maxAttempts,
      reason,
    }));
    return { message_id: id, status: this.#standing(visible), deliveries };
  }

  /** What the relay reads from an agent's card to find a way to it, is not the agent's to say. */
  async register(
    agent: AgentId,
    {
      name,
      capabilities,
      device,
      metadata,
    }: {
      readonly name?: string | undefined;
      readonly capabilities: readonly string[];
      readonly device: string;
      readonly metadata: Readonly<Record<string, string>>;
    },
  ) {
    const known = this.#directory.get(agent);
    const free = Object.entries(metadata).filter(([key]) => key !== RELAY_URL);
    const kept = Object.entries(known?.metadata ?? {}).filter(([key]) => key === RELAY_URL);
    await this.#directory.register({
      id: agent,
      name: name ?? known?.name ?? agent,
      capabilities,
      device,
      transport: known?.transport ?? 'sqlite',
      phone: known?.phone ?? null,
      provider: known?.provider ?? null,
      metadata: Object.fromEntries([...free, ...kept]),
    });
    return { agent_id: agent, status: 'registered' as const };
  }

  /** It was heard of just now. */
  async heartbeat(agent: AgentId): Promise<void> {
    await this.#directory.heartbeat(agent);
  }

  async #claim(
    agent: AgentId,
    { limit, leaseMs, waitMs }: PollRequest,
    gone: AbortSignal,
  ): Promise<readonly Delivery[]> {
    const options = { limit, leaseMs, detached: true };
    if (waitMs === 0) return this.#spool.claim(agentAddress(agent), options, gone);
    const over = new AbortController();
    const cancel = this.#clock.timer(this.#clock.now() + waitMs, () => over.abort());
    try {
      const until = AbortSignal.any([over.signal, gone]);
      return await this.#spool.claim(agentAddress(agent), { ...options, wait: true }, until);
    } finally {
      cancel();
    }
  }

  #recipients({ from, to }: MessageV2): readonly Address[] {
    if (to !== EVERYBODY) return [this.#requireRecipient(agentId(to))];
    const others = this.#directory.list({ status: 'active' }).filter(({ id }) => id !== from);
    if (others.length > 0) return others.map(({ id }) => agentAddress(id));
    throw new Refusal('AGENT_UNKNOWN', `No other agent than '${from}' is active, so nobody would get this broadcast.`);
  }

  /** An agent has a mailbox here once it is registered, or has a secret with which it can take out what is in it. */
  #requireRecipient(id: AgentId): Address {
    if (this.#directory.get(id) || this.#secrets.valid(id).length > 0) return agentAddress(id);
    throw new Refusal('AGENT_UNKNOWN', `This relay has no mailbox for '${id}'.`);
  }

  #newMessage(message: MessageV2, recipients: readonly Address[]): NewMessage {
    const draft = toNewMessage(message, recipients, this.#clock.now());
    const cause = draft.replyTo ? this.#spool.message(draft.replyTo) : null;
    return {
      ...draft,
      deliveries: recipients.map((to) => ({ to, orderingKey: draft.conversation })),
      ...(cause && { trace: continueTrace(cause.trace, cause.id, cause.trace.budget) }),
    };
  }

  /** An id is one message: what another agent has sent, or the sender to somebody else, is not passed off for this one. */
  #requireSame({ id, from, to }: MessageV2, recipients: readonly Address[]): void {
    const stored = new Set(this.#spool.status(messageId(id)).map((report) => report.to));
    const sender = this.#spool.message(messageId(id))?.from;
    const isSame =
      sender === agentAddress(agentId(from)) && (to === EVERYBODY || recipients.every((one) => stored.has(one)));
    if (!isSame) throw new Refusal('ID_TAKEN', `There is another message with the id ${id}.`);
  }

  #statusFor(agent: AgentId, id: string): DeliveryStatus {
    const report = this.#spool.status(messageId(id)).find(({ to }) => agentOf(to) === agent);
    if (!report) throw unknownMessage(id);
    return report.status;
  }

  #lease(agent: AgentId, id: string, token: string | undefined): Delivery['lease'] {
    const lease = this.#spool.lease(messageId(id), agentAddress(agent));
    if (lease && (token === undefined || token === lease.token)) return lease;
    const how = lease ? 'is leased under another token' : `is ${this.#statusFor(agent, id)}, not leased`;
    throw new Refusal('LEASE_LOST', `Message ${id} ${how}.`);
  }

  /** What cannot be taken back now comes back when its lease ends. */
  async #takeBack(agent: AgentId, lost: readonly Held[]): Promise<void> {
    const own = agentAddress(agent);
    const held = lost.filter(({ message, lease }) => this.#spool.lease(message, own)?.token === lease.token);
    await Promise.allSettled(held.map((one) => this.#handBack(one)));
  }

  #handBack({ lease }: Pick<Delivery, 'lease'>): Promise<void> {
    const reason = 'it was not handed out after all';
    return this.#spool.settle(lease, { kind: 'nack', reason, delayMs: 0, countsAsAttempt: false });
  }

  #standing(reports: readonly DeliveryReport[]): DeliveryStatus {
    return PROGRESS.find((status) => reports.some((report) => report.status === status)) ?? 'queued';
  }
}

const unknownMessage = (id: string): Refusal => new Refusal('MESSAGE_UNKNOWN', `There is no message '${id}' for you.`);

function leasedMessage({ message, to, attempt, maxAttempts, lease }: Delivery): LeasedMessage {
  return {
    ...toMessageV2(message, to),
    attempt,
    max_attempts: maxAttempts,
    lease_token: lease.token,
    lease_expires_at: new Date(lease.expiresAt).toISOString(),
  };
}

function howManyFit(messages: readonly LeasedMessage[]): number {
  let bytes = 0;
  const tooMany = messages.findIndex((message, index) => {
    bytes += Buffer.byteLength(JSON.stringify(message));
    return index > 0 && bytes > MAX_ANSWER_BYTES;
  });
  return tooMany === -1 ? messages.length : tooMany;
}
