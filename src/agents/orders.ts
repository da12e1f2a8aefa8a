import type { RegisteredAgent } from '../domain/agent-card.ts';
import type { ChatPlace } from '../domain/chat.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { Subtask, TeamRun } from '../domain/team.ts';
import type { Budget } from '../domain/trace.ts';
import { ok } from '../lib/result.ts';
import { decide, settleWith } from './approval-decisions.ts';
import type { Order, Verdict } from './commands.ts';
import type { AgentContext } from './context.ts';
import type { Effects } from './effects.ts';
import { planPrompt, systemPrompt } from './prompt.ts';
import { beginRun } from './team.ts';
import { checkPlan, MAX_PARTS, oneAgent, planIn, planTool } from './team-plan.ts';
import { takeTurn, waitForProvider } from './turn.ts';

/** Where an order was given, and by whom. */
export interface OrderGiven {
  readonly delivery: Delivery;
  readonly place: ChatPlace;
  readonly askedBy: string;
  /** Their id on the channel. */
  readonly actor: string;
  /** Without anything in it yet. */
  readonly effects: Effects;
  /** What tells the person, once, that the providers are down. */
  readonly notice: () => Effects;
}

/** Carries out what a person has ordered. */
export async function obey(
  context: AgentContext,
  order: Order,
  given: OrderGiven,
  signal: AbortSignal,
): Promise<Settlement> {
  switch (order.kind) {
    case 'send': {
      const found = oneAgent(order.agent, context.directory);
      if (!found.ok) return answer(given, found.error);
      if (found.value.id === context.card.id) return answer(given, 'That is me: just write it to me.');
      return begin(context, given, 'send', [partFor(found.value, order.task)]);
    }
    case 'all': {
      const others = context.directory.list().filter(({ id, status }) => id !== context.card.id && status === 'active');
      if (others.length === 0) return answer(given, 'No other agent is active.');
      return begin(
        context,
        given,
        'all',
        others.map((agent) => partFor(agent, order.task)),
      );
    }
    case 'team':
      return planAndBegin(context, order.task, given, signal);
    case 'decide':
      return carryDecision(context, order, given);
  }
}

const partFor = ({ id, name }: RegisteredAgent, task: string): Subtask => ({
  id,
  agent: { id, name },
  task,
  after: [],
});

function answer({ effects, place }: OrderGiven, text: string): Settlement {
  effects.say(place, text);
  const { outputs, also } = effects.finish(effects.trace.budget);
  return { kind: 'ack', outputs, also };
}

function begin(
  context: AgentContext,
  { delivery, effects, place, askedBy }: OrderGiven,
  kind: TeamRun['kind'],
  parts: readonly Subtask[],
  left: Budget = effects.trace.budget,
): Settlement {
  return beginRun(context, effects, { id: delivery.message.id, kind, askedBy, place }, parts, left);
}

/** Also for an agent of another process: it is told in its mailbox. */
function carryDecision(context: AgentContext, { number, status, why }: Verdict, given: OrderGiven): Settlement {
  const { directory, clock } = context;
  const { effects, place, askedBy: by, actor } = given;
  const decided = decide(context, number, { status, by, actor, why }, clock.now());
  if (!decided.ok) return answer(given, decided.error);
  const { agent, tool } = decided.value.approval;
  effects.say(place, `${number} is ${status}: ${directory.get(agent)?.name ?? agent}, ${tool}.`);
  return settleWith(effects, decided.value);
}

/** The model makes the plan, and hands it in with a tool; one that can call none may write it down instead. */
async function planAndBegin(
  context: AgentContext,
  task: string,
  given: OrderGiven,
  signal: AbortSignal,
): Promise<Settlement> {
  const { directory, watch, card } = context;
  const { delivery, effects, place } = given;
  let handedIn: readonly Subtask[] | null = null;
  const request = {
    delivery,
    trace: effects.trace,
    system: systemPrompt(context),
    messages: [planPrompt(directory.list(), task, MAX_PARTS)],
    tools: () => {
      handedIn = null;
      return { plan_team: planTool(directory, (parts) => (handedIn = parts)) };
    },
  };
  watch.thinking(card.id, place, true);
  const outcome = await takeTurn(context, request, signal).finally(() => watch.thinking(card.id, place, false));
  if (outcome.kind === 'waiting') return waitForProvider(outcome, given.notice());
  const after = { ...given, effects: outcome.effects };
  if (outcome.kind === 'unanswerable') return answer(after, `I cannot plan this: ${outcome.why}.`);
  const written = planIn(outcome.text ?? '');
  const plan = handedIn ? ok<readonly Subtask[]>(handedIn) : written && checkPlan(written, directory);
  if (!plan) return answer(after, outcome.text ?? 'I found no plan for this.');
  if (!plan.ok) return answer(after, `I made a plan that does not work out, so nothing was begun. ${plan.error}`);
  return begin(context, after, 'team', plan.value, outcome.left);
}
