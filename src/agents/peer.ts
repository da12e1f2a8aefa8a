import { z } from 'zod';
import { type AgentId, agentAddress, agentOf, type ConversationId, type MessageId } from '../domain/addresses.ts';
import { type ChatPlace, placeOf } from '../domain/chat.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { Message } from '../domain/message.ts';
import { TASK, type TaskAnswer, taskResultOf } from '../domain/task.ts';
import { continueTrace, exhaustion, spendTurn, type Trace } from '../domain/trace.ts';
import type { Json } from '../lib/json.ts';
import { ENVELOPE } from '../protocol/ai-comms-1.0.ts';
import type { OpenedEnvelope } from '../protocol/envelope.ts';
import { askedAt } from './approval-outcome.ts';
import { tellWhyItStopped } from './budget-notice.ts';
import { peerTools } from './chat-tools.ts';
import type { AgentContext } from './context.ts';
import { Effects } from './effects.ts';
import { acknowledge, answerInChat } from './person.ts';
import { fromAgent, REMEMBERED_LINES, remembered, replyFromAgent, systemPrompt } from './prompt.ts';
import { hearResult, isPart } from './team.ts';
import { cannotAnswer, type TurnOutcome, takeTurn, waitForProvider } from './turn.ts';

/** Chains of replies are followed back this far: longer ones do not come about (see MAX_HOPS). */
const LONGEST_CHAIN = 32;

/** Who is waiting for an answer: a chat, or an agent that asked something. */
type Asker =
  | { readonly kind: 'chat'; readonly place: ChatPlace }
  | { readonly kind: 'agent'; readonly id: AgentId; readonly name: string; readonly question: Message };

/** What another agent says, as far as it matters for answering it. */
interface Remark {
  readonly speaker: string;
  readonly prompt: string;
  readonly conversation: ConversationId;
  readonly trace: Trace;
}

/** Another agent asks something: it gets the answer as a reply. */
export async function answerAgent(
  context: AgentContext,
  delivery: Delivery,
  envelope: OpenedEnvelope,
  trace: Trace,
  signal: AbortSignal,
): Promise<Settlement> {
  const { agentId: id, agentName: speaker } = envelope.from;
  const asker: Asker = { kind: 'agent', id, name: speaker, question: delivery.message };
  const prompt = fromAgent(speaker, textOf(envelope));
  return answerAsker(
    context,
    delivery,
    asker,
    { speaker, prompt, conversation: envelope.conversationId, trace },
    signal,
  );
}

/** Another agent has answered, in an envelope, what this one asked: whoever made it ask is told. */
export async function takeReply(
  context: AgentContext,
  delivery: Delivery,
  envelope: OpenedEnvelope,
  trace: Trace,
  signal: AbortSignal,
): Promise<Settlement> {
  const { agentId, agentName } = envelope.from;
  const failure = failureSchema.safeParse(envelope.payload);
  const answer: TaskAnswer = failure.success
    ? { ok: false, error: failure.data.error }
    : { ok: true, text: textOf(envelope) };
  const said = { id: agentId, name: agentName, answer, replyTo: envelope.replyTo, trace };
  return takeAnswer(context, delivery, said, signal);
}

/** The same from an agent that does not speak envelopes, and has been given a task. */
export async function takeResult(context: AgentContext, delivery: Delivery, signal: AbortSignal): Promise<Settlement> {
  const { directory, gate } = context;
  const { message } = delivery;
  const id = agentOf(message.from);
  const question = message.replyTo === null ? null : context.message(message.replyTo);
  if (id === null || !question) return unasked(context, message);
  const answer = taskResultOf(message);
  const size = (answer.ok ? answer.text : answer.error).length;
  if (delivery.attempt === 1 && !gate.checkAgent(id, size).allow) return unasked(context, message);
  // It does not say what it has spent: a turn.
  const budget = spendTurn(question.trace.budget, { tokens: 0, microUsd: 0 });
  const trace = continueTrace(question.trace, question.id, budget);
  const name = directory.get(id)?.name ?? id;
  return takeAnswer(context, delivery, { id, name, answer, replyTo: question.id, trace }, signal);
}

interface Answered {
  readonly id: AgentId;
  readonly name: string;
  readonly answer: TaskAnswer;
  readonly replyTo: MessageId | null;
  readonly trace: Trace;
}

async function takeAnswer(
  context: AgentContext,
  delivery: Delivery,
  { id, name, answer, replyTo, trace }: Answered,
  signal: AbortSignal,
): Promise<Settlement> {
  const question = replyTo === null ? null : context.message(replyTo);
  if (!question || question.from !== agentAddress(context.card.id) || !wasAsked(question, id)) {
    return unasked(context, delivery.message);
  }
  if (isPart(question)) return hearResult(context, delivery, question, answer, trace);
  const asker = findAsker(context, question);
  if (!asker) return unasked(context, delivery.message);
  const prompt = replyFromAgent(name, answer.ok ? answer.text : `I could not do it: ${answer.error}`);
  return answerAsker(
    context,
    delivery,
    asker,
    { speaker: name, prompt, conversation: question.conversation, trace },
    signal,
  );
}

async function unasked({ audit }: AgentContext, { id, from }: Message): Promise<Settlement> {
  await audit.record({ kind: 'reply.unasked', actor: agentOf(from) ?? from, message: id });
  return { kind: 'ack' };
}

async function answerAsker(
  context: AgentContext,
  delivery: Delivery,
  asker: Asker,
  remark: Remark,
  signal: AbortSignal,
): Promise<Settlement> {
  const { card, keys, clock } = context;
  const { speaker, prompt: text, conversation, trace } = remark;
  const spent = exhaustion(trace);
  if (spent) {
    const effects = new Effects(card, delivery.message, trace, keys, clock);
    tellWhyItStopped(context, effects, spent, conversation);
    if (asker.kind === 'agent' && isAwaited(asker.question, trace)) reply(effects, asker, { error: SPENT });
    const { outputs, also } = effects.finish(trace.budget);
    return { kind: 'ack', outputs, also };
  }
  if (asker.kind === 'chat') {
    const { place } = asker;
    const person = place.peer.name ?? place.peer.id;
    return answerInChat(context, delivery, { place, person, speaker, text, trace }, signal);
  }
  return replyToAgent(context, delivery, asker, remark, signal);
}

async function replyToAgent(
  context: AgentContext,
  delivery: Delivery,
  asker: Asker & { kind: 'agent' },
  { speaker, prompt, trace }: Remark,
  signal: AbortSignal,
): Promise<Settlement> {
  const { card, sessions } = context;
  const { conversation } = asker.question;
  const key = `agent:${card.id}:agent:${asker.id}:${conversation}`;
  const outcome = await takeTurn(
    context,
    {
      delivery,
      trace,
      system: systemPrompt(context),
      messages: [...remembered(sessions.recent(key, REMEMBERED_LINES)), { role: 'user', content: prompt }],
      tools: (effects) => peerTools(context, effects, conversation),
    },
    signal,
  );
  if (outcome.kind === 'waiting') return waitForProvider(outcome, null);
  const { effects } = outcome;
  const left = outcome.kind === 'answered' ? outcome.left : trace.budget;
  const answer: Json = answerOf(outcome, asker.question, trace);
  const text = typeof answer === 'string' ? answer : null;
  const heard = { id: delivery.message.id, role: 'user', speaker, text: prompt, at: effects.now } as const;
  const own = text
    ? [{ id: effects.id('reply'), role: 'assistant', speaker: card.name, text, at: effects.now } as const]
    : [];
  effects.write(sessions.append(card.id, key, [heard, ...own]));
  if (answer !== null) reply(effects, asker, answer);
  return acknowledge(context, effects, left, delivery);
}

/** What is replied; null: nothing yet, because it has asked others first, or nothing at all. Whoever waits hears of silence too. */
function answerOf(outcome: Exclude<TurnOutcome, { kind: 'waiting' }>, question: Message, trace: Trace): Json {
  if (outcome.kind === 'unanswerable') {
    return isTask(question) ? { error: outcome.why } : cannotAnswer(outcome.why);
  }
  const { text, effects, left } = outcome;
  if (text !== null || !isAwaited(question, trace)) return text;
  if (effects.exhausted(left)) return { error: SPENT };
  return effects.expectsAnswers ? null : { error: 'it had nothing to say' };
}

const SPENT = 'the budget is spent';

/**
 * Whether the other agent waits for an answer. Two that leave the word to each other would wait for ever, and a person for both. A
 * message that began an exchange of its own is of an agent that knows nothing of traces: silence is all that ends a talk with it.
 */
const isAwaited = (question: Message, { root }: Trace): boolean => isTask(question) || root !== question.id;

/** A failure is only taken note of; an answer is to be gone on from. */
function reply(effects: Effects, { id, name, question }: Asker & { kind: 'agent' }, payload: Json): void {
  const { conversation, id: replyTo } = question;
  const expectsWork = typeof payload === 'string';
  effects.send({ label: 'reply', to: [{ id, name }], intent: 'reply', payload, conversation, replyTo, expectsWork });
}

const isTask = ({ subject }: Message): boolean => subject === 'task';

/** Instead of an answer: why there is none. */
const failureSchema = z.strictObject({ error: z.string() });

const recipientsSchema = z.object({ to: z.array(z.string()) });

/** Whether a message went to this agent: nobody answers for another. */
function wasAsked({ payload }: Message, id: AgentId): boolean {
  const parsed = recipientsSchema.safeParse(payload.data);
  return (payload.type === ENVELOPE || payload.type === TASK) && parsed.success && parsed.data.to.includes(id);
}

/** Follows what this agent asked back to what made it ask. */
function findAsker(context: AgentContext, asked: Message): Asker | null {
  const { card, directory, message } = context;
  let question: Message | null = asked;
  for (let step = 0; step < LONGEST_CHAIN && question?.from === agentAddress(card.id); step++) {
    const cause: Message | null = question.trace.cause === null ? null : message(question.trace.cause);
    if (!cause) return null;
    const place = placeOf(cause) ?? askedAt(context, cause);
    if (place) return { kind: 'chat', place };
    if (cause.payload.type !== ENVELOPE) return null;
    const sender = agentOf(cause.from);
    if (cause.subject !== 'reply' && sender !== null) {
      return { kind: 'agent', id: sender, name: directory.get(sender)?.name ?? sender, question: cause };
    }
    // It asked because of a reply to something it had asked before.
    question = cause.replyTo === null ? null : message(cause.replyTo);
  }
  return null;
}

/** What an agent says, as its reader's model sees it. */
export const textOf = ({ payload }: OpenedEnvelope): string =>
  typeof payload === 'string' ? payload : JSON.stringify(payload);
