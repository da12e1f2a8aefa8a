import type { AgentId } from '../domain/addresses.ts';
import type { RegisteredAgent } from '../domain/agent-card.ts';
import { ParleyError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { deriveId, newId } from '../lib/ids.ts';
import type { Outgoing, Received, Transport } from '../links/transport.ts';
import { completeDraft, type MessageDraft, type MessageV2 } from '../protocol/message-v2.ts';
import type { CoordinatorRegistry } from './registry.ts';
import type { Routes } from './routes.ts';

export interface Sent {
  readonly id: string;
  /** A message with this id was accepted before; nothing was stored now. */
  readonly duplicate: boolean;
  readonly to: readonly string[];
  readonly conversationId: string;
}

export interface SenderOptions {
  readonly registry: CoordinatorRegistry;
  readonly routes: Routes;
  readonly home: Transport;
  readonly ttlHours: number;
  readonly clock: Clock;
}

/** Makes messages of drafts, and brings them on their way. */
export class Sender {
  readonly #registry: CoordinatorRegistry;
  readonly #routes: Routes;
  readonly #home: Transport;
  readonly #ttlHours: number;
  readonly #clock: Clock;

  constructor({ registry, routes, home, ttlHours, clock }: SenderOptions) {
    this.#registry = registry;
    this.#routes = routes;
    this.#home = home;
    this.#ttlHours = ttlHours;
    this.#clock = clock;
  }

  async send(draft: MessageDraft, deliverAt: number | undefined): Promise<Sent> {
    if (deliverAt !== undefined && !Number.isSafeInteger(deliverAt)) {
      throw new ParleyError('USAGE', `deliverAt must be a time in whole milliseconds, not ${deliverAt}.`);
    }
    const sentBefore = draft.id === undefined ? null : this.#duplicate(draft.id);
    if (sentBefore) return sentBefore;
    const message = this.#complete(draft);
    this.#registry.require(message.from);
    const recipients = this.#routes.recipients(message);
    const to = recipients.map(({ id }) => id);
    const [isNew] = await Promise.all([
      this.#home.send({ message, to, ...(deliverAt !== undefined && { deliverAt }) }),
      this.#registry.heartbeat(message.from),
    ]);
    await this.forward(recipients);
    const sent = { id: message.id, duplicate: false, to, conversationId: message.routing.conversation_id ?? '' };
    return isNew ? sent : (this.#duplicate(message.id) ?? { ...sent, duplicate: true });
  }

  /** Acks with outputs. They are named after what they came of: said again, they are the same messages. */
  async ack(
    agent: AgentId,
    mailbox: Transport,
    { message: input, token }: Received,
    drafts: readonly MessageDraft[],
  ): Promise<void> {
    const prepared = drafts.map((draft, index) => this.#output(agent, input, draft, index));
    const outputs = prepared.map(({ outgoing }) => outgoing);
    const held = { id: input.id, agent, token };
    if (mailbox === this.#home) await mailbox.settle(held, { kind: 'ack', outputs });
    else {
      for (const output of outputs) await this.#home.send(output);
      await mailbox.settle(held, { kind: 'ack' });
    }
    await this.forward(prepared.flatMap(({ recipients }) => recipients));
  }

  /** The messages are accepted and wait: when a link fails now, it is tried again at the next opportunity. */
  async forward(agents: readonly RegisteredAgent[]): Promise<void> {
    await Promise.allSettled(agents.map((agent) => this.#routes.forward(agent)));
  }

  /** A draft as a whole message; its conversation is its own, or that of the message it replies to, or a new one. */
  #complete(draft: MessageDraft): MessageV2 {
    const now = this.#clock.now();
    const completed = completeDraft(draft, now);
    if (!completed.ok) throw completed.error;
    const message = completed.value;
    const { reply_to, conversation_id, ttl_hours } = message.routing;
    const repliedTo = reply_to === null ? null : this.#home.find(reply_to);
    return {
      ...message,
      routing: {
        ...message.routing,
        conversation_id: conversation_id ?? repliedTo?.routing.conversation_id ?? newId('conv', now),
        ttl_hours: ttl_hours ?? this.#ttlHours,
      },
    };
  }

  /** What is said of a message that is there already; null when it is not. */
  #duplicate(id: string): Sent | null {
    const message = this.#home.find(id);
    if (!message) return null;
    const to = this.#home.status(id).map((delivery) => delivery.to);
    return { id, duplicate: true, to, conversationId: message.routing.conversation_id ?? '' };
  }

  #output(
    agent: AgentId,
    input: MessageV2,
    draft: MessageDraft,
    index: number,
  ): { readonly outgoing: Outgoing; readonly recipients: readonly RegisteredAgent[] } {
    const message = this.#complete({
      ...draft,
      id: draft.id ?? deriveId('msg', input.id, agent, index),
      routing: {
        ...draft.routing,
        conversation_id: draft.routing?.conversation_id ?? input.routing.conversation_id,
      },
    });
    if (message.from !== agent) {
      throw new ParleyError('MESSAGE_INVALID', `'${agent}' cannot send as '${message.from}'.`);
    }
    const recipients = this.#routes.recipients(message);
    return { outgoing: { message, to: recipients.map(({ id }) => id) }, recipients };
  }
}
