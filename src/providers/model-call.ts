import type { LanguageModelV4, LanguageModelV4Middleware } from '@ai-sdk/provider';
import {
  isStepCount,
  type LanguageModelUsage,
  type ModelMessage,
  type StepResult,
  streamText,
  type ToolSet,
  wrapLanguageModel,
} from 'ai';
import { err, ok, type Result } from '../lib/result.ts';
import { classifyFailure, type Failure } from './failure.ts';
import { estimateTokens } from './tokens.ts';

/** What a model is asked. */
export interface ModelRequest {
  readonly system: string;
  readonly messages: ModelMessage[];
  /** What the model may do before it answers; the AI SDK runs them. */
  readonly tools: ToolSet;
  /** Requests to the model for one answer: one, and one more after every round of tool calls. */
  readonly maxSteps: number;
}

/** How long a model may take, in milliseconds. */
export interface ModelLimits {
  /** Until the first piece of an answer, and from each piece to the next. */
  readonly idleMs: number;
  /** For the whole answer, tools and all. */
  readonly totalMs: number;
}

export const DEFAULT_MODEL_LIMITS: ModelLimits = { idleMs: 60_000, totalMs: 5 * 60_000 };

export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface ModelReply {
  /** Empty when the model let its tool calls speak for it. */
  readonly text: string;
  /** Over all steps. An estimate where the provider does not count. */
  readonly usage: TokenUsage;
  readonly steps: number;
  readonly toolCalls: readonly { readonly name: string }[];
}

interface CallOptions {
  readonly limits: ModelLimits;
  readonly signal: AbortSignal | undefined;
  /** Called for every request that goes to the provider. */
  readonly onRequest: () => void;
  /** Epoch milliseconds: a `retry-after` may be a date. */
  readonly now: () => number;
}

/** Asks one model once, and runs the tools that it calls. Throws only when the caller's signal aborts. */
export async function callModel(
  model: LanguageModelV4,
  request: ModelRequest,
  { limits, signal, onRequest, now }: CallOptions,
): Promise<Result<ModelReply, Failure>> {
  try {
    const answer = streamText({
      model: wrapLanguageModel({ model, middleware: observed(onRequest) }),
      instructions: request.system,
      messages: request.messages,
      tools: request.tools,
      stopWhen: isStepCount(request.maxSteps),
      maxRetries: 0,
      timeout: { totalMs: limits.totalMs, firstChunkMs: limits.idleMs, chunkMs: limits.idleMs },
      ...(signal === undefined ? {} : { abortSignal: signal }),
      telemetry: { isEnabled: false },
      // The default prints the error; here it comes out of the stream.
      onError: () => {},
    });
    for await (const part of answer.stream) {
      if (part.type === 'error') throw part.error;
      if (part.type === 'abort') throw timeoutError(part.reason);
    }
    const steps = await answer.steps;
    return replyOf(steps, usageOf(await answer.totalUsage, request, steps));
  } catch (error) {
    signal?.throwIfAborted();
    return err(classifyFailure(error, now()));
  }
}

/** Counts the requests, and keeps the AI SDK from printing a model's warnings (it prints those that come with a stream's start). */
const observed = (onRequest: () => void): LanguageModelV4Middleware => ({
  specificationVersion: 'v4',
  async wrapStream({ doStream }) {
    onRequest();
    const { stream, ...rest } = await doStream();
    const quiet = new TransformStream({
      transform(part, controller) {
        controller.enqueue(part.type === 'stream-start' ? { ...part, warnings: [] } : part);
      },
    });
    return { ...rest, stream: stream.pipeThrough(quiet) };
  },
});

/** The stream says in words which timeout has passed; classification goes by the name. */
function timeoutError(reason: string | undefined): Error {
  return new DOMException(reason ?? 'the model took too long', 'TimeoutError');
}

type Step = StepResult<ToolSet>;

function replyOf(steps: readonly Step[], usage: TokenUsage): Result<ModelReply, Failure> {
  const broken = steps.map(brokenStep).find((failure) => failure !== null);
  if (broken) return err(broken);
  const text = steps.map((step) => step.text.trim()).findLast((said) => said !== '') ?? '';
  const toolCalls = steps.flatMap((step) => step.toolCalls.map(({ toolName }) => ({ name: toolName })));
  if (text === '' && toolCalls.length === 0) return err({ kind: 'malformed', detail: 'empty answer' });
  return ok({ text, usage, steps: steps.length, toolCalls });
}

/** What is wrong with how a step ended, if anything. `length` is fine: half an answer is one. */
function brokenStep({ finishReason, rawFinishReason }: Step): Failure | null {
  if (finishReason === 'content-filter') return { kind: 'refused', detail: 'content filter' };
  if (finishReason === 'error') return { kind: 'unavailable', detail: 'the provider ended the answer with an error' };
  // Clients that know no `interrupted` say `other`, with nothing from the provider behind it.
  const cut = finishReason === 'interrupted' || (finishReason === 'other' && rawFinishReason === undefined);
  return cut ? { kind: 'malformed', detail: 'the answer broke off' } : null;
}

function usageOf(counted: LanguageModelUsage, request: ModelRequest, steps: readonly Step[]): TokenUsage {
  return {
    inputTokens:
      counted.inputTokens ?? estimateTokens(request.system + JSON.stringify(request.messages)) * steps.length,
    outputTokens: counted.outputTokens ?? estimateTokens(steps.map((step) => step.text).join('')),
  };
}
