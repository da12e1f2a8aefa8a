import { z } from 'zod';
import { type AgentId, agentAddress, agentOf } from '../domain/addresses.ts';
import { type ChatPlace, placeOf } from '../domain/chat.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { Message } from '../domain/message.ts';
import { exhaustion, type Trace } from '../domain/trace.ts';
import type { OpenedEnvelope } from '../protocol/envelope.ts';
import { tellWhyItStopped } from './budget-notice.ts';
import type { AgentContext } from './context.ts';
import { Effects, ENVELOPE } from './effects.ts';
import { acknowledge, answerInChat } from './person.ts';
import { fromAgent, REMEMBERED_LINES, remembered, replyFromAgent, systemPrompt } from './prompt.ts';
import { messagingTools } from './tools.ts';
import { takeTurn, waitForProvider } from './turn.ts';

/** Chains of replies are followed back this far: longer ones do not come about (see MAX_HOPS). */
const LONGEST_CHAIN = 32;

/** Who is waiting for an answer: a chat, or an agent that asked something. */
type Asker =
  | { readonly kind: 'chat'; readonly place: ChatPlace }
  | { readonly kind: 'agent'; readonly id: AgentId; readonly name: string; readonly question: Message };

/** Another agent asks something: it gets the answer as a reply. */
export async function answerAgent(
  context: AgentContext,
  delivery: Delivery,
  envelope: OpenedEnvelope,
  trace: Trace,
  signal: AbortSignal,
): Promise<Settlement> {
  const { agentId: id, agentName: name } = envelope.from;
  const asker: Asker = { kind: 'agent', id, name, question: delivery.message };
  return answerAsker(context, delivery, asker, fromAgent(name, textOf(envelope)), envelope, trace, signal);
}

/** Another agent has answered what this one asked: whoever made it ask is told. */
export async function takeReply(
  context: AgentContext,
  delivery: Delivery,
  envelope: OpenedEnvelope,
  trace: Trace,
  signal: AbortSignal,
): Promise<Settlement> {
  const question = envelope.replyTo === null ? null : context.message(envelope.replyTo);
  const asker = question && wasAsked(question, envelope.from.agentId) ? findAsker(context, question) : null;
  if (!asker) {
    await context.audit.record({ kind: 'reply.unasked', actor: envelope.from.agentId, message: delivery.message.id });
    return { kind: 'ack' };
  }
  const prompt = replyFromAgent(envelope.from.agentName, textOf(envelope));
  return answerAsker(context, delivery, asker, prompt, envelope, trace, signal);
}

async function answerAsker(
  context: AgentContext,
  delivery: Delivery,
  asker: Asker,
  prompt: string,
  envelope: OpenedEnvelope,
  trace: Trace,
  signal: AbortSignal,
): Promise<Settlement> {
  const { card, keys, clock } = context;
  const spent = exhaustion(trace);
  if (spent) {
    const effects = new Effects(card, delivery.message, trace, keys, clock);
    tellWhyItStopped(context, effects, spent, envelope.conversationId);
    const { outputs, also } = effects.finish(trace.budget);
    return { kind: 'ack', outputs, also };
  }
  const { agentName: speaker } = envelope.from;
  if (asker.kind === 'chat') {
    return answerInChat(
      context,
      delivery,
      { place: asker.place, person: asker.place.peer.name ?? asker.place.peer.id, speaker, text: prompt, trace },
      signal,
    );
  }
  return replyToAgent(context, delivery, asker, prompt, envelope, trace, signal);
}

async function replyToAgent(
  context: AgentContext,
  delivery: Delivery,
  asker: Asker & { kind: 'agent' },
  prompt: string,
  envelope: OpenedEnvelope,
  trace: Trace,
  signal: AbortSignal,
): Promise<Settlement> {
  const { card, sessions } = context;
  const conversation = asker.question.conversation;
  const key = `agent:${card.id}:agent:${asker.id}:${conversation}`;
  const outcome = await takeTurn(
    context,
    {
      delivery,
      trace,
      system: systemPrompt(context),
      messages: [...remembered(sessions.recent(key, REMEMBERED_LINES)), { role: 'user', content: prompt }],
      tools: (effects) => messagingTools(context, effects, conversation),
    },
    signal,
  );
  if (outcome.kind === 'waiting') return waitForProvider(outcome.retryAfterMs, null);
  const { effects } = outcome;
  const text = outcome.kind === 'answered' ? outcome.text : `I cannot answer: ${outcome.why}.`;
  const heard = {
    id: delivery.message.id,
    role: 'user',
    speaker: envelope.from.agentName,
    text: prompt,
    at: effects.now,
  } as const;
  const own = text
    ? [{ id: effects.id('reply'), role: 'assistant', speaker: card.name, text, at: effects.now } as const]
    : [];
  effects.write(sessions.append(card.id, key, [heard, ...own]));
  if (text) {
    effects.send({
      label: 'reply',
      to: [{ id: asker.id, name: asker.name }],
      intent: 'reply',
      payload: text,
      conversation,
      replyTo: asker.question.id,
      expectsWork: true,
    });
  }
  return acknowledge(context, effects, outcome.kind === 'answered' ? outcome.left : trace.budget, delivery);
}

const recipientsSchema = z.object({ to: z.array(z.string()) });

/** Whether a message went to this agent: nobody answers for another. */
function wasAsked({ payload }: Message, id: AgentId): boolean {
  const parsed = recipientsSchema.safeParse(payload.data);
  return payload.type === ENVELOPE && parsed.success && parsed.data.to.includes(id);
}

/** Follows what this agent asked back to what made it ask. */
function findAsker({ card, directory, message }: AgentContext, asked: Message): Asker | null {
  let question: Message | null = asked;
  for (let step = 0; step < LONGEST_CHAIN && question?.from === agentAddress(card.id); step++) {
    const cause: Message | null = question.trace.cause === null ? null : message(question.trace.cause);
    if (!cause) return null;
    const place = placeOf(cause);
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
