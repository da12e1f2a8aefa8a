import type { ModelMessage, ToolSet } from 'ai';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import { type Budget, spendTurn, type Trace } from '../domain/trace.ts';
import type { ChainFailure } from '../providers/chain.ts';
import type { AgentContext } from './context.ts';
import { Effects } from './effects.ts';

/** A model that has nothing to add answers with this and nothing else. */
export const NO_REPLY = 'NO_REPLY';

/** Requests to the model for one turn: one, and one more after each round of tool calls. */
const MAX_STEPS = 8;

export interface TurnRequest {
  readonly delivery: Delivery;
  /** What the turn goes on from, and may spend. */
  readonly trace: Trace;
  readonly system: string;
  readonly messages: ModelMessage[];
  /** The tools, whose doings go into these effects. */
  tools(effects: Effects): ToolSet;
}

export type TurnOutcome =
  | {
      readonly kind: 'answered';
      /** null: the agent chose to stay silent. */
      readonly text: string | null;
      readonly effects: Effects;
      readonly left: Budget;
    }
  /** No provider will answer this, now or later. */
  | { readonly kind: 'unanswerable'; readonly why: string; readonly effects: Effects }
  /** No provider answers now. `isUseless`: they do, but what they say is no answer, which may be so however often they are asked. */
  | { readonly kind: 'waiting'; readonly retryAfterMs: number; readonly isUseless: boolean };

/** One turn of an agent's model. Each try, with each provider, begins with fresh effects: what a failed one had prepared is gone. */
export async function takeTurn(context: AgentContext, request: TurnRequest, signal: AbortSignal): Promise<TurnOutcome> {
  const { card, chain, keys, clock } = context;
  const fresh = (): Effects => new Effects(card, request.delivery.message, request.trace, keys, clock);
  let effects = fresh();
  const result = await chain.generate(() => {
    effects = fresh();
    return { system: request.system, messages: request.messages, tools: request.tools(effects), maxSteps: MAX_STEPS };
  }, signal);
  if (!result.ok) return withoutAnswer(result.error, fresh());
  const { text, usage } = result.value;
  const said = text.toWellFormed().trim();
  const left = spendTurn(request.trace.budget, { tokens: usage.inputTokens + usage.outputTokens, microUsd: 0 });
  return { kind: 'answered', text: said === '' || said === NO_REPLY ? null : said, effects, left };
}

function withoutAnswer(failure: ChainFailure, effects: Effects): TurnOutcome {
  if (failure.kind === 'down') {
    const { retryAfterMs, tried } = failure;
    return {
      kind: 'waiting',
      retryAfterMs,
      isUseless: tried.length > 0 && tried.every(({ kind }) => kind === 'malformed'),
    };
  }
  const tried = failure.tried.map(({ provider, kind }) => `${provider}: ${kind}`).join(', ');
  const why =
    failure.kind === 'refused'
      ? `my provider refused to answer this (${tried})`
      : `none of my providers is set up properly (${tried}); whoever runs me has to look at the keys and models`;
  return { kind: 'unanswerable', why, effects };
}

/** How long until a provider is asked again, in milliseconds. */
const delayOf = (retryAfterMs: number): number => Math.min(Math.max(retryAfterMs, 1_000), 60_000);

/** Whether a provider that others wait for as well is waited for once more: not for longer than a round of a discussion may take. */
export function isWorthWaiting(
  { clock, discussion }: AgentContext,
  { message }: Delivery,
  retryAfterMs: number,
): boolean {
  return clock.now() + delayOf(retryAfterMs) < message.acceptedAt + discussion.roundTimeoutMs;
}

/** Why an agent whose providers are all away does not answer. */
export const NO_PROVIDER = 'none of my AI providers can be reached right now';

/** Likewise, when they answer, but with nothing. */
export const NO_USE = 'my AI providers give no answer';

export const cannotAnswer = (why: string): string => `I cannot answer: ${why}.`;

/**
 * The message waits, however long it takes, and is answered when a provider is back. Where providers answer, but nothing of use, it has
 * its attempts: each costs.
 */
export function waitForProvider(
  { retryAfterMs, isUseless }: Extract<TurnOutcome, { kind: 'waiting' }>,
  notice: Effects | null,
): Settlement {
  const told = isUseless ? null : notice?.finish(notice.trace.budget);
  return {
    kind: 'nack',
    reason: isUseless ? 'no provider gives an answer of use' : 'no provider answers',
    delayMs: delayOf(retryAfterMs),
    countsAsAttempt: isUseless,
    outputs: told?.outputs ?? [],
  };
}
