import type { AgentId, MessageId } from './addresses.ts';

/** What may still be spent on everything that follows from a message. It only ever shrinks. `null` means not limited. */
export interface Budget {
  /** Model turns. */
  readonly turns: number;
  /** Model tokens, in and out. */
  readonly tokens: number | null;
  /** Money, in millionths of a US dollar. */
  readonly microUsd: number | null;
}

/** Where a message comes from. Signed with the envelope, so that no agent on the way can give itself more. */
export interface Trace {
  /** The message that began it all, usually a person's. */
  readonly root: MessageId;
  /** The message whose handling gave rise to this one; null for the root itself. */
  readonly cause: MessageId | null;
  /** How many messages lie between the root and this one. The root is at 0. */
  readonly hop: number;
  /** The agent that the root was said to: whoever runs out of budget tells it why, and it tells the person. */
  readonly origin: AgentId | null;
  readonly budget: Budget;
}

/** Beyond this many hops nothing is sent on, whatever the budget says. */
const MAX_HOPS = 32;

export const DEFAULT_BUDGET: Budget = { turns: 64, tokens: null, microUsd: null };

export function startTrace(root: MessageId, origin: AgentId | null, budget: Budget = DEFAULT_BUDGET): Trace {
  return { root, cause: null, hop: 0, origin, budget };
}

/** The trace of a message that the handling of `cause` gave rise to. */
export function continueTrace(trace: Trace, cause: MessageId, budget: Budget): Trace {
  return {
    root: trace.root,
    cause,
    hop: trace.hop + 1,
    origin: trace.origin,
    budget: smallerBudget(budget, trace.budget),
  };
}

/** Why nothing more may follow from a message with this trace, or null when something may. */
export function exhaustion({ hop, budget }: Trace): 'turns' | 'tokens' | 'money' | 'hops' | null {
  if (budget.turns <= 0) return 'turns';
  if (budget.tokens !== null && budget.tokens <= 0) return 'tokens';
  if (budget.microUsd !== null && budget.microUsd <= 0) return 'money';
  if (hop >= MAX_HOPS) return 'hops';
  return null;
}

const map = (amount: number | null, change: (amount: number) => number): number | null =>
  amount === null ? null : Math.max(0, change(amount));

/** What is left after one model turn. */
export function spendTurn(budget: Budget, spent: { tokens: number; microUsd: number }): Budget {
  return {
    turns: Math.max(0, budget.turns - 1),
    tokens: map(budget.tokens, (left) => left - spent.tokens),
    microUsd: map(budget.microUsd, (left) => left - spent.microUsd),
  };
}

/** So many turns of a budget, and nothing else of what it limits. */
export function turnsOf(budget: Budget, turns: number): Budget {
  return { turns, tokens: map(budget.tokens, () => 0), microUsd: map(budget.microUsd, () => 0) };
}

/** An equal share for each of `ways` branches. The shares never add up to more than the whole. */
export function splitBudget(budget: Budget, ways: number): Budget {
  const share = (left: number): number => Math.floor(left / Math.max(1, ways));
  return { turns: share(budget.turns), tokens: map(budget.tokens, share), microUsd: map(budget.microUsd, share) };
}

/** What branches that come together again have left between them. */
export function mergeBudgets(a: Budget, b: Budget): Budget {
  const add = (x: number | null, y: number | null): number | null => (x === null || y === null ? null : x + y);
  return { turns: a.turns + b.turns, tokens: add(a.tokens, b.tokens), microUsd: add(a.microUsd, b.microUsd) };
}

/** In each respect what the more frugal of two has. */
export function smallerBudget(a: Budget, b: Budget): Budget {
  const least = (x: number | null, y: number | null): number | null =>
    x === null ? y : y === null ? x : Math.min(x, y);
  return {
    turns: Math.min(a.turns, b.turns),
    tokens: least(a.tokens, b.tokens),
    microUsd: least(a.microUsd, b.microUsd),
  };
}
