import type { LanguageModelV4, LanguageModelV4Middleware, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import {
  isStepCount,
  type LanguageModelUsage,
  type ModelMessage,
  type StepResult,
  streamText,
  type ToolSet,
  wrapLanguageModel,
} from 'ai';
import type { Clock } from '../lib/clock.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { classifyFailure, type Failure } from './failure.ts';
import { type ModelLimits, Patience } from './patience.ts';
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

/** What an answer cost, in the provider's tokens. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What came of asking one model. */
export interface ModelReply {
  /** Empty when the model let its tool calls speak for it. */
  readonly text: string;
  /** Over all steps. An estimate where the provider does not count. */
  readonly usage: TokenUsage;
  readonly steps: number;
  readonly toolCalls: readonly { readonly name: string }[];
}

interface CallOptions {
  readonly clock: Clock;
  readonly limits: ModelLimits;
  readonly signal: AbortSignal | undefined;
  /** Called for every request that goes to the provider. */
  readonly onRequest: () => void;
}

/** Asks one model once, and runs the tools that it calls. Throws only the signal's reason, when the caller aborts. */
export async function callModel(
  model: LanguageModelV4,
  request: ModelRequest,
  { clock, limits, signal, onRequest }: CallOptions,
): Promise<Result<ModelReply, Failure>> {
  const patience = new Patience(clock, limits);
  try {
    const answer = streamText({
      model: wrapLanguageModel({ model, middleware: observed(patience, onRequest) }),
      instructions: request.system,
      messages: request.messages,
      tools: request.tools,
      stopWhen: isStepCount(request.maxSteps),
      maxRetries: 0,
      abortSignal: AbortSignal.any([patience.signal, ...(signal ? [signal] : [])]),
      telemetry: { isEnabled: false },
      // The default prints the error; here it comes out of the stream.
      onError: () => {},
    });
    for await (const part of answer.stream) {
      if (part.type === 'error') throw part.error;
      if (part.type === 'abort') throw patience.signal.reason;
    }
    const steps = await answer.steps;
    return replyOf(steps, usageOf(await answer.totalUsage, request, steps));
  } catch (error) {
    signal?.throwIfAborted();
    return err(classifyFailure(patience.signal.aborted ? patience.signal.reason : error, clock.now()));
  } finally {
    patience.end();
  }
}

/** Sees every request and every piece of an answer. It also takes out a model's warnings, which the AI SDK would print. */
const observed = (patience: Patience, onRequest: () => void): LanguageModelV4Middleware => ({
  specificationVersion: 'v4',
  async wrapStream({ doStream }) {
    onRequest();
    patience.listen();
    const { stream, ...rest } = await doStream();
    const watch = new TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>({
      transform(part, controller) {
        if (part.type !== 'ping') patience.listen();
        controller.enqueue(part.type === 'stream-start' ? { ...part, warnings: [] } : part);
      },
      flush: () => patience.pause(),
    });
    return { ...rest, stream: stream.pipeThrough(watch) };
  },
});

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

/** Some servers count nothing and say 0; a budget must not take that for free. */
function usageOf(counted: LanguageModelUsage, request: ModelRequest, steps: readonly Step[]): TokenUsage {
  const asked = request.system + JSON.stringify(request.messages);
  return {
    inputTokens: counted.inputTokens || estimateTokens(asked) * steps.length,
    outputTokens: counted.outputTokens || estimateTokens(steps.map((step) => step.text).join('')),
  };
}
