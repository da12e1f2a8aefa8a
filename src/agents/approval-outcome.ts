import type { ToolSet } from 'ai';
import { z } from 'zod';
import { agentAddress, type MessageId } from '../domain/addresses.ts';
import type { Approval } from '../domain/approval.ts';
import type { ChatPlace } from '../domain/chat.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import { AGENT_ATTEMPTS, type Message } from '../domain/message.ts';
import { errorText } from '../lib/errors.ts';
import { APPROVAL_DECIDED, approvalEvent, approvalIn } from './approval-decisions.ts';
import { describeRefusal, describeResult } from './approval-words.ts';
import { callTool } from './call-tool.ts';
import { ownTools } from './chat-tools.ts';
import type { AgentContext } from './context.ts';
import { Effects } from './effects.ts';
import { acknowledge, answerInChat } from './person.ts';

/** The payload type of what an agent tells itself when a tool that was approved has been called. */
export const APPROVAL_DONE = 'approval.done';

/** The longest result that the model is told, in UTF-16 code units. */
const MAX_RESULT = 20_000;

/** What the model is told of a call that was cut short: it was approved once, so it is not made twice. */
const UNKNOWN = resultText({
  ok: false,
  error:
    'It was interrupted while the tool worked. Whether it has been done is not known: look before you ask for it again.',
});

const doneSchema = z.object({ result: z.string() });

/** Something has been decided that this agent has asked for. What counts is what was kept of it, not what the message says. */
export async function takeDecision(
  context: AgentContext,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<Settlement> {
  const approval = approvalOf(context, delivery.message);
  switch (approval?.status) {
    case 'approved':
      return callApproved(context, delivery, approval, signal);
    case 'calling':
      return tellResult(context, delivery, approval, { effects: effectsOf(context, delivery), result: UNKNOWN });
    case 'rejected':
    case 'expired':
      return goOn(context, delivery, approval, describeRefusal(approval), signal);
    default:
      return { kind: 'ack' };
  }
}

/** A tool that was approved has been called: the model is told the result. */
export async function takeOutcome(context: AgentContext, delivery: Delivery, signal: AbortSignal): Promise<Settlement> {
  const approval = approvalOf(context, delivery.message);
  if (!approval) return { kind: 'ack' };
  const { result } = doneSchema.parse(delivery.message.payload.data);
  return goOn(context, delivery, approval, describeResult(approval.tool, result), signal);
}

/** Where a request was made that has led to this message; null when none has. */
export function askedAt(context: AgentContext, message: Message): ChatPlace | null {
  const { type } = message.payload;
  return type === APPROVAL_DECIDED || type === APPROVAL_DONE ? (approvalOf(context, message)?.place ?? null) : null;
}

function approvalOf({ approvals, card }: AgentContext, { payload }: Message): Approval | null {
  const id: MessageId | null = approvalIn(payload.data);
  const approval = id === null ? null : approvals.byId(id);
  return approval?.agent === card.id ? approval : null;
}

/**
 * Calls the tool, and nothing else: the turn that the result is for is a message of its own, so that it can be tried again, or wait
 * for a provider, and the tool is not called again.
 */
async function callApproved(
  context: AgentContext,
  delivery: Delivery,
  approval: Approval,
  signal: AbortSignal,
): Promise<Settlement> {
  const { approvals, extraTools } = context;
  // What the others do happens when this settles, or not at all.
  const isOutward = Object.hasOwn(extraTools(effectsOf(context, delivery)), approval.tool);
  if (isOutward) await approvals.begin(approval);
  const begun: Approval = isOutward ? { ...approval, status: 'calling' } : approval;
  return tellResult(context, delivery, begun, await call(context, delivery, approval, signal));
}

interface Called {
  readonly effects: Effects;
  /** For the model. */
  readonly result: string;
}

/** The call is over. */
function tellResult(
  context: AgentContext,
  delivery: Delivery,
  approval: Approval,
  { effects, result }: Called,
): Settlement {
  const { card, approvals, audit } = context;
  effects.write(approvals.change({ ...approval, status: 'done' }, approval.status));
  effects.write(audit.entry(approvalEvent('done', approval, card.id)));
  effects.fork((trace) => {
    const { conversation } = approval;
    effects.pass({
      id: effects.id('done'),
      from: agentAddress(card.id),
      deliveries: [{ to: agentAddress(card.id), orderingKey: conversation, maxAttempts: AGENT_ATTEMPTS }],
      conversation,
      payload: { type: APPROVAL_DONE, data: { approval: approval.id, result } },
      trace,
    });
  });
  return acknowledge(context, effects, effects.trace.budget, delivery);
}

const effectsOf = ({ card, keys, clock }: AgentContext, { message }: Delivery): Effects =>
  new Effects(card, message, message.trace, keys, clock);

async function call(
  context: AgentContext,
  delivery: Delivery,
  { id, tool, input, place, askedBy }: Approval,
  signal: AbortSignal,
): Promise<Called> {
  const { card, logger } = context;
  const failed = (error: string): Called => ({
    effects: effectsOf(context, delivery),
    result: resultText({ ok: false, error }),
  });
  const effects = effectsOf(context, delivery);
  const tools: ToolSet = ownTools(context, effects, place, askedBy);
  const held = Object.hasOwn(tools, tool) ? tools[tool] : undefined;
  if (!held) return failed(`The tool ${tool} is not there any more.`);
  try {
    return { effects, result: resultText(await callTool(held, input, { id, signal })) };
  } catch (error) {
    // It was not the tool: this process stops, or has lost its lease.
    signal.throwIfAborted();
    logger.warn({ agent: card.id, tool, error: errorText(error) }, 'a tool that was approved failed');
    return failed(errorText(error));
  }
}

function resultText(result: unknown): string {
  const text = typeof result === 'string' ? result : (JSON.stringify(result) ?? 'done');
  return text.length > MAX_RESULT ? `${text.slice(0, MAX_RESULT).toWellFormed()}… (cut)` : text.toWellFormed();
}

function goOn(
  context: AgentContext,
  delivery: Delivery,
  { place, askedBy: person, decidedBy }: Approval,
  text: string,
  signal: AbortSignal,
): Promise<Settlement> {
  const { trace } = delivery.message;
  return answerInChat(context, delivery, { place, person, speaker: decidedBy ?? person, text, trace }, signal);
}
