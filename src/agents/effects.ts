import { saying } from '../delivery/saying.ts';
import { agentAddress, type ConversationId, type GroupId, type MessageId, messageId } from '../domain/addresses.ts';
import { type AgentCard, readsEnvelopes } from '../domain/agent-card.ts';
import type { ChatOut, ChatPlace } from '../domain/chat.ts';
import type { GroupMember } from '../domain/group.ts';
import { AGENT_ATTEMPTS, type Message, type NewMessage } from '../domain/message.ts';
import { TASK } from '../domain/task.ts';
import { type Budget, continueTrace, exhaustion, splitBudget, type Trace } from '../domain/trace.ts';
import type { Write } from '../domain/write.ts';
import type { Clock } from '../lib/clock.ts';
import { deriveId } from '../lib/ids.ts';
import type { Json } from '../lib/json.ts';
import { ENVELOPE } from '../protocol/ai-comms-1.0.ts';
import { type EnvelopeDraft, writeEnvelope } from '../protocol/envelope.ts';
import type { Intent } from '../protocol/intents.ts';
import type { EnvelopeKeys } from '../protocol/keys.ts';

/** The payload type of a message that an agent sends to itself for later. */
export const TIMER = 'timer';

/** An envelope that is to be sent. */
export interface Departure {
  /** Names it among what this turn gives rise to: a repeat of the turn gives it the same id. */
  readonly label: string;
  readonly to: readonly GroupMember[];
  readonly group?: { readonly groupId: GroupId; readonly groupName: string };
  readonly intent: Intent;
  readonly payload: Json;
  readonly conversation: ConversationId;
  readonly replyTo?: MessageId;
  /** Each recipient is to go on from it, and is given a share of the budget; without, it only takes note. */
  readonly expectsWork: boolean;
  /** It brings back what has not been spent, to somebody who goes on with it: a share like the others, if there are others. */
  readonly bringsBack?: boolean;
  /** What this agent wants to find beside the message when it is answered; the recipients do not see it. */
  readonly about?: { readonly [name: string]: Json };
  /** The recipients do not read envelopes: they are given the payload as it is, as a task. */
  readonly plain?: boolean;
}

/** A task for one agent, whatever it speaks. */
export interface Assignment extends Pick<Departure, 'label' | 'conversation' | 'about'> {
  readonly to: Pick<AgentCard, 'id' | 'name' | 'metadata'>;
  readonly text: string;
}

/** Why the rest of the budget does not reach for what was to be sent. */
export type Exhaustion = NonNullable<ReturnType<typeof exhaustion>>;

/**
 * What one turn gives rise to. Nothing of it happens before it is settled: a turn that fails half way, or is tried again with
 * another provider, leaves no trace.
 */
export class Effects {
  readonly #self: AgentCard;
  readonly #cause: Message;
  readonly #trace: Trace;
  readonly #keys: EnvelopeKeys;
  readonly #clock: Clock;
  readonly #departures: Departure[] = [];
  readonly #outputs: NewMessage[] = [];
  readonly #also: Write[] = [];
  /** What only makes sense when those who are to go on are written to. */
  readonly #reminders: NewMessage[] = [];
  readonly #alsoOnward: ((share: Budget) => Write)[] = [];
  readonly #forks: ((onward: Trace) => void)[] = [];
  #kept = 0;

  /** `trace`: what the turn goes on from; its budget is what there is to spend. */
  constructor(self: AgentCard, cause: Message, trace: Trace, keys: EnvelopeKeys, clock: Clock) {
    this.#self = self;
    this.#cause = cause;
    this.#trace = { ...trace, origin: trace.origin ?? self.id };
    this.#keys = keys;
    this.#clock = clock;
  }

  get trace(): Trace {
    return this.#trace;
  }

  get now(): number {
    return this.#clock.now();
  }

  get conversation(): ConversationId {
    return this.#cause.conversation;
  }

  /** The id of what this turn gives rise to under this name. */
  id(label: string): MessageId {
    return messageId(deriveId('msg', this.#cause.id, this.#self.id, label));
  }

  write(write: Write): void {
    this.#also.push(write);
  }

  /** Writes what depends on the budget that each recipient is given; not at all when it does not reach for them. */
  writeWithShare(write: (share: Budget) => Write): void {
    this.#alsoOnward.push(write);
  }

  /**
   * Something of this agent's own goes on from this turn later, with a share of the budget like that of a recipient. `begin` adds
   * what belongs to it to these effects; it is not called when the budget does not reach.
   */
  fork(begin: (onward: Trace) => void): void {
    this.#forks.push(begin);
  }

  /** Sends a message as it is. */
  pass(message: NewMessage): void {
    this.#outputs.push(message);
  }

  send(departure: Departure): void {
    if (departure.to.length > 0) this.#departures.push(departure);
  }

  /** Gives a task to an agent: in an envelope, if it reads those. It is to answer. */
  assign({ to, text, ...rest }: Assignment): void {
    this.send({ ...rest, to: [to], intent: 'task', payload: text, expectsWork: true, plain: !readsEnvelopes(to) });
  }

  /** Keeps turns back from what the recipients are given. */
  keep(turns: number): void {
    this.#kept += turns;
  }

  /**
   * Says something in a chat. `id`, where it follows from something else than this turn; `choices`: what can be answered by a button;
   * `file`: what goes with it, and stays as it is until it has been sent.
   */
  say(
    place: ChatPlace,
    text: string,
    {
      label = 'say',
      speaker = this.#self,
      id,
      choices,
      file,
    }: {
      label?: string;
      speaker?: { id: string; name: string };
      id?: MessageId;
      choices?: NonNullable<ChatOut['choices']>;
      file?: NonNullable<ChatOut['file']>;
    } = {},
  ): void {
    const said = { peer: place.peer, speaker: { id: speaker.id, name: speaker.name }, text };
    this.#speak(place, { ...said, ...(choices && { choices }), ...(file && { file }) }, id ?? this.id(label));
  }

  /** Has a program on the other side of a chat read a text as it is. `about`: what this agent wants to find when it is answered. */
  carry(place: ChatPlace, text: string, id: MessageId, about: Json): void {
    const { id: self, name } = this.#self;
    this.#speak(place, { peer: place.peer, speaker: { id: self, name }, text, verbatim: true, about }, id);
  }

  #speak(place: ChatPlace, out: ChatOut & { readonly about?: Json }, id: MessageId): void {
    this.#outputs.push(
      saying(place, out, {
        id,
        from: agentAddress(this.#self.id),
        conversation: this.#cause.conversation,
        replyTo: this.#cause.id,
        trace: continueTrace(this.#trace, this.#cause.id, this.#trace.budget),
        maxAttempts: AGENT_ATTEMPTS,
      }),
    );
  }

  /** Wakes this agent later, in the order of a conversation, to see what came of those who are to go on. */
  remind(label: string, conversation: ConversationId, at: number, data: Json): void {
    this.#reminders.push({
      id: this.id(label),
      from: agentAddress(this.#self.id),
      deliveries: [{ to: agentAddress(this.#self.id), orderingKey: conversation, maxAttempts: AGENT_ATTEMPTS }],
      conversation,
      payload: { type: TIMER, data },
      trace: continueTrace(this.#trace, this.#cause.id, this.#trace.budget),
      deliverAt: at,
      // Whoever waits for it is told even when nothing ran here for days.
      ttlMs: null,
    });
  }

  /** Whether somebody is to go on from this turn, and may answer. */
  get expectsAnswers(): boolean {
    return this.#branches() > 0;
  }

  /** Why `left` does not reach for those who are to go on from this turn; null when it does, or nobody is. */
  exhausted(left: Budget): Exhaustion | null {
    return this.#branches() > 0 ? exhaustion(this.#onward(left)) : null;
  }

  /**
   * Everything, ready to be settled. `left` is what the turn has not spent: it is shared out among those who are to go on. When it
   * does not reach for them, they are not written to.
   */
  finish(left: Budget): { readonly outputs: readonly NewMessage[]; readonly also: readonly Write[] } {
    const onward = this.#onward(left);
    const stopped = this.exhausted(left) !== null;
    if (!stopped) for (const begin of this.#forks) begin(onward);
    const report = continueTrace(this.#trace, this.#cause.id, left);
    const traceOf = ({ expectsWork, bringsBack = false }: Departure): Trace =>
      expectsWork || (bringsBack && !stopped && this.#branches() > 0) ? onward : report;
    const envelopes = this.#departures
      .filter(({ expectsWork }) => !(expectsWork && stopped))
      .map((departure) => this.#message(departure, traceOf(departure)));
    if (stopped) return { outputs: [...this.#outputs, ...envelopes], also: this.#also };
    return {
      outputs: [...this.#outputs, ...this.#reminders, ...envelopes],
      also: [...this.#also, ...this.#alsoOnward.map((write) => write(onward.budget))],
    };
  }

  #branches(): number {
    const recipients = this.#departures.reduce((sum, { to, expectsWork }) => sum + (expectsWork ? to.length : 0), 0);
    return recipients + this.#forks.length;
  }

  /** The trace of each message that is to be gone on from. */
  #onward(left: Budget): Trace {
    const available = { ...left, turns: Math.max(0, left.turns - this.#kept) };
    const brought = this.#departures.some(({ bringsBack }) => bringsBack) ? 1 : 0;
    return continueTrace(this.#trace, this.#cause.id, splitBudget(available, this.#branches() + brought));
  }

  #message(departure: Departure, trace: Trace): NewMessage {
    const { label, to, conversation, replyTo, group, intent, payload, about } = departure;
    const id = this.id(label);
    const sent = { intent, to: to.map((recipient) => recipient.id), ...(about && { about }) };
    const form = departure.plain
      ? { body: String(payload), payload: { type: TASK, data: { task_id: id, ...sent } } }
      : {
          body: this.#envelope(id, departure, trace),
          payload: { type: ENVELOPE, data: { ...sent, sealed: this.#keys.sealing !== null } },
        };
    return {
      id,
      from: agentAddress(this.#self.id),
      deliveries: to.map((recipient) => ({
        to: agentAddress(recipient.id),
        // What a host asks itself must not keep it from hearing the others.
        orderingKey: recipient.id === this.#self.id && departure.expectsWork ? `${conversation}:own` : conversation,
        maxAttempts: AGENT_ATTEMPTS,
      })),
      conversation,
      replyTo: replyTo ?? null,
      subject: group ? `${intent}: ${group.groupName}` : intent,
      trace,
      ...form,
    };
  }

  #envelope(id: MessageId, { to, group, intent, payload, conversation, replyTo }: Departure, trace: Trace): string {
    const [only] = to;
    const draft: EnvelopeDraft = {
      id,
      from: { agentId: this.#self.id, agentName: this.#self.name },
      to: !group && only ? { agentId: only.id, agentName: only.name } : null,
      group: group ?? null,
      intent,
      payload,
      conversationId: conversation,
      // Now, and not when the turn began: a model may think for longer than an envelope may be old.
      sentAt: this.now,
      replyTo: replyTo ?? null,
      trace,
    };
    return writeEnvelope(draft, this.#keys);
  }
}
