import { z } from 'zod';
import { type AgentId, agentAddress, hubAnswers } from '../domain/addresses.ts';
import { CHAT_IN, chatInSchema } from '../domain/chat.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import { TASK, TASK_RESULT } from '../domain/task.ts';
import { startTrace, type Trace } from '../domain/trace.ts';
import { ENVELOPE } from '../protocol/ai-comms-1.0.ts';
import { FOREIGN_BUDGET } from '../protocol/carried.ts';
import { type OpenedEnvelope, readEnvelope } from '../protocol/envelope.ts';
import { admit } from './admission.ts';
import { APPROVAL_DECIDED, APPROVALS, expireApproval, isExpiry } from './approval-decisions.ts';
import { APPROVAL_DONE, takeDecision, takeOutcome } from './approval-outcome.ts';
import { answerAssignment } from './assignment.ts';
import { tellWhyItStopped } from './budget-notice.ts';
import type { AgentContext } from './context.ts';
import { announcedCard, answerAnnouncement, asReached, digitsOf, strangersCard, wayIn } from './discovery.ts';
import { Effects, TIMER } from './effects.ts';
import { closeRound, hearContribution } from './group-host.ts';
import { contribute, groupOf, takeRoster } from './group-member.ts';
import { answerAgent, takeReply, takeResult, textOf } from './peer.ts';
import { answerPerson } from './person.ts';
import { closePart, isPartDeadline } from './team.ts';

const stoppedSchema = z.object({ stopped: z.enum(['turns', 'tokens', 'money', 'hops']) });

const DONE: Settlement = { kind: 'ack' };

/** An agent: the handler of its mailbox. Everything that it does follows from a message there. */
export class Agent {
  readonly #context: AgentContext;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  get id(): AgentId {
    return this.#context.card.id;
  }

  readonly handle = async (delivery: Delivery, signal: AbortSignal): Promise<Settlement> => {
    const { type, data } = delivery.message.payload;
    switch (type) {
      case CHAT_IN:
        return answerPerson(this.#context, delivery, chatInSchema.parse(data), signal);
      case ENVELOPE:
        return this.#open(delivery, signal);
      case TIMER:
        // Only what the agent has sent to itself is a timer.
        if (delivery.message.from !== agentAddress(this.id)) return this.#refuse(delivery, 'foreign timer');
        if (isPartDeadline(data)) return closePart(this.#context, delivery, data);
        if (isExpiry(data)) return expireApproval(this.#context, delivery, data);
        return closeRound(this.#context, delivery, data, signal);
      case APPROVAL_DECIDED:
        if (delivery.message.from !== APPROVALS) return this.#refuse(delivery, 'foreign decision');
        return takeDecision(this.#context, delivery, signal);
      case APPROVAL_DONE:
        if (delivery.message.from !== agentAddress(this.id)) return this.#refuse(delivery, 'foreign result');
        return takeOutcome(this.#context, delivery, signal);
      case TASK_RESULT:
        return takeResult(this.#context, delivery, signal);
      case TASK:
        if (delivery.message.from === hubAnswers(this.id)) return answerAssignment(this.#context, delivery, signal);
        return this.#misunderstood(delivery);
      default:
        return this.#misunderstood(delivery);
    }
  };

  /** Nothing of an envelope is looked at before it is found genuine, fresh and new. */
  async #open(delivery: Delivery, signal: AbortSignal): Promise<Settlement> {
    const { keys, requireAuth, maxMessageAgeMs, seen, gate, watch, directory } = this.#context;
    const { body, acceptedAt, from } = delivery.message;
    const way = wayIn(delivery.message);
    const opened = await readEnvelope(body, {
      keys,
      requireAuth,
      recipient: this.id,
      number: way?.to === undefined ? undefined : digitsOf(way.to),
      acceptedAt,
      postedAt: way?.postedAt,
      maxAgeMs: maxMessageAgeMs,
      delivery: delivery.lease.delivery,
      seen,
    });
    if (!opened.ok) return this.#refuse(delivery, `${opened.error.reason}: ${opened.error.detail}`);
    const envelope = opened.value;
    const sender = envelope.from.agentId;
    if (from !== agentAddress(sender)) return this.#refuse(delivery, `it says that it is from ${sender}`);
    // Only a first attempt counts against the sender's rate: a retry is our doing.
    if (delivery.attempt === 1) {
      const verdict = gate.checkAgent(sender, textOf(envelope).length);
      if (!verdict.allow) return this.#refuse(delivery, verdict.reason);
    }
    const trace = envelope.trace ?? startTrace(delivery.message.id, null, FOREIGN_BUDGET);
    if (way && !directory.get(sender)) await directory.register(strangersCard(envelope, way));
    watch.opened(this.id, envelope, trace.hop);
    return (
      (await this.#read(delivery, envelope, trace, signal)) ?? this.#refuse(delivery, `not a valid ${envelope.intent}`)
    );
  }

  /** null: the payload is not what its intent calls for. */
  async #read(
    delivery: Delivery,
    envelope: OpenedEnvelope,
    trace: Trace,
    signal: AbortSignal,
  ): Promise<Settlement | null> {
    const context = this.#context;
    switch (envelope.intent) {
      case 'announce':
      case 'identity':
        return this.#meet(delivery, envelope, trace);
      case 'reply':
        return takeReply(context, delivery, envelope, trace, signal);
      case 'group-update':
        return takeRoster(context, envelope);
      case 'group': {
        const group = groupOf(context, envelope);
        return group && contribute(context, delivery, envelope, group, trace, signal);
      }
      case 'group-answer': {
        const group = groupOf(context, envelope);
        return group && hearContribution(context, delivery, envelope, group, trace, signal);
      }
      case 'notice':
        return this.#takeNotice(delivery, envelope, trace);
      default:
        // Whatever else an agent means by it, it says something and expects an answer.
        return answerAgent(context, delivery, envelope, trace, signal);
    }
  }

  async #meet(delivery: Delivery, envelope: OpenedEnvelope, trace: Trace): Promise<Settlement | null> {
    const { card, directory, keys, clock } = this.#context;
    const announced = announcedCard(envelope);
    if (!announced) return null;
    const known = directory.get(announced.id);
    if (wayIn(delivery.message) && known?.transport === card.transport && known.status === 'active') {
      return this.#refuse(delivery, `an agent with the id ${known.id} runs here`);
    }
    const sender = asReached(announced, known, delivery.message);
    await directory.register(sender);
    const effects = new Effects(card, delivery.message, trace, keys, clock);
    if (envelope.intent === 'identity') admit(this.#context, effects, sender, envelope.replyTo);
    else answerAnnouncement(card, sender, envelope, effects);
    const { outputs, also } = effects.finish(trace.budget);
    return { kind: 'ack', outputs, also };
  }

  /** Another agent has stopped an exchange that a person began with this one. */
  async #takeNotice(
    delivery: Delivery,
    { payload, conversationId }: OpenedEnvelope,
    trace: Trace,
  ): Promise<Settlement | null> {
    const { card, keys, clock } = this.#context;
    const why = stoppedSchema.safeParse(payload);
    if (!why.success || trace.origin !== card.id) return null;
    const effects = new Effects(card, delivery.message, trace, keys, clock);
    tellWhyItStopped(this.#context, effects, why.data.stopped, conversationId);
    const { outputs, also } = effects.finish(trace.budget);
    return { kind: 'ack', outputs, also };
  }

  /** Its sender is to see what became of it: more likely a mistake than an attack. */
  async #misunderstood(delivery: Delivery): Promise<Settlement> {
    const reason = `an agent takes envelopes, and this is a ${delivery.message.payload.type}`;
    await this.#refuse(delivery, reason);
    return { kind: 'term', reason };
  }

  /** Refused for good: it is taken out of the mailbox, and the audit log says why. */
  async #refuse({ message }: Delivery, detail: string): Promise<Settlement> {
    const { audit, logger, card } = this.#context;
    logger.warn({ agent: card.id, message: message.id, detail }, 'message refused');
    await audit.record({ kind: 'envelope.refused', actor: message.from, message: message.id, detail });
    return DONE;
  }
}
