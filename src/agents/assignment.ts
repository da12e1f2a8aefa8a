import { z } from 'zod';
import { agentAddress, conversationId } from '../domain/addresses.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { NewMessage } from '../domain/message.ts';
import { assignmentResultId, type TaskAnswer, taskResult } from '../domain/task.ts';
import { continueTrace } from '../domain/trace.ts';
import { deriveId } from '../lib/ids.ts';
import type { AgentContext } from './context.ts';
import { fromAgent, REMEMBERED_LINES, remembered, systemPrompt } from './prompt.ts';
import { takeTurn, waitForProvider } from './turn.ts';

/** Whoever gave the task has stopped waiting for its result by then, in milliseconds. */
const RESULT_TTL_MS = 60 * 60_000;

/** Who gave the task, as the link says it: somebody who holds the secret of a hub. */
const senderSchema = z.object({ sender: z.string() });

/** Answers a task that came over a link from somebody who does not speak envelopes. The answer goes back the way it came. */
export async function answerAssignment(
  context: AgentContext,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<Settlement> {
  const { card, gate, sessions } = context;
  const { message } = delivery;
  const sender = senderSchema.parse(message.payload.data).sender.replaceAll(/\s+/g, ' ');
  if (delivery.attempt === 1) {
    const verdict = gate.checkAgent(sender, message.body.length);
    if (!verdict.allow) return { kind: 'ack', outputs: [resultFor(context, delivery, refused(verdict.reason))] };
  }
  const key = `agent:${card.id}:hub:${conversationId(deriveId('conv', message.from, sender))}`;
  const prompt = fromAgent(sender, message.body);
  const outcome = await takeTurn(
    context,
    {
      delivery,
      trace: message.trace,
      system: systemPrompt(context),
      messages: [...remembered(sessions.recent(key, REMEMBERED_LINES)), { role: 'user', content: prompt }],
      tools: () => ({}),
    },
    signal,
  );
  if (outcome.kind === 'waiting') return waitForProvider(outcome, null);
  const { effects } = outcome;
  const text = outcome.kind === 'answered' ? (outcome.text ?? '') : '';
  const lines = [{ id: message.id, role: 'user', speaker: sender, text: prompt, at: effects.now }] as const;
  const own = { id: effects.id('result'), role: 'assistant', speaker: card.name, text, at: effects.now } as const;
  effects.write(sessions.append(card.id, key, text === '' ? lines : [...lines, own]));
  const answer: TaskAnswer = outcome.kind === 'answered' ? { ok: true, text } : { ok: false, error: outcome.why };
  const { outputs, also } = effects.finish(message.trace.budget);
  return { kind: 'ack', outputs: [...outputs, resultFor(context, delivery, answer)], also };
}

const refused = (reason: string): TaskAnswer => ({ ok: false, error: `It was not let in: ${reason}.` });

function resultFor({ card }: AgentContext, { message }: Delivery, answer: TaskAnswer): NewMessage {
  return {
    id: assignmentResultId(message.id, card.id),
    from: agentAddress(card.id),
    deliveries: [{ to: message.from }],
    conversation: message.conversation,
    replyTo: message.id,
    ...taskResult(answer),
    trace: continueTrace(message.trace, message.id, message.trace.budget),
    ttlMs: RESULT_TTL_MS,
  };
}
