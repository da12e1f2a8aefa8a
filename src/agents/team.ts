import { z } from 'zod';
import { type ConversationId, conversationId, type MessageId, messageId } from '../domain/addresses.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { Message } from '../domain/message.ts';
import type { TaskAnswer } from '../domain/task.ts';
import type { Progress, Subtask, TeamRun } from '../domain/team.ts';
import { type Budget, mergeBudgets, smallerBudget, splitBudget, type Trace, turnsOf } from '../domain/trace.ts';
import { deriveId } from '../lib/ids.ts';
import type { AgentContext } from './context.ts';
import { Effects } from './effects.ts';

/** What is kept beside a message that gives a part to an agent, to know what its answer belongs to. */
const aboutSchema = z.object({ about: z.object({ run: z.string().transform(messageId), part: z.string() }) });
const deadlineSchema = z.object({ kind: z.literal('team'), run: z.string().transform(messageId), part: z.string() });

/** The longest of what a part is told of the results that it needs, in UTF-16 code units each. */
const MAX_INPUT = 20_000;
/** How much of a part is quoted where its progress is told. */
const QUOTED = 80;

/** Begins a task: gives every part that needs no other to its agent. */
export function beginRun(
  context: AgentContext,
  effects: Effects,
  run: Omit<TeamRun, 'parts' | 'budget' | 'trace'>,
  parts: readonly Subtask[],
  left: Budget,
): Settlement {
  const begun: TeamRun = {
    ...run,
    trace: effects.trace,
    budget: left,
    parts: parts.map((part) => ({ ...part, progress: { kind: 'waiting' } })),
  };
  if (run.kind === 'team') effects.say(run.place, describePlan(begun), { label: 'plan' });
  return goOn(context, effects, begun);
}

/** Whether a message gave a part of a task to an agent; its answer is then for `hearResult`. */
export const isPart = ({ payload }: Message): boolean => aboutSchema.safeParse(payload.data).success;

/** An agent has answered what it was given. `trace`: what it brings back. */
export function hearResult(
  context: AgentContext,
  delivery: Delivery,
  question: Message,
  answer: TaskAnswer,
  trace: Trace,
): Settlement {
  const { run: id, part } = aboutSchema.parse(question.payload.data).about;
  const progress: Progress = answer.ok ? { kind: 'done', result: answer.text } : { kind: 'failed', why: answer.error };
  return settlePart(context, delivery, id, part, progress, trace.budget);
}

/** The time for a part is up. */
export function closePart(context: AgentContext, delivery: Delivery, data: unknown): Settlement {
  const { run, part } = deadlineSchema.parse(data);
  return settlePart(context, delivery, run, part, { kind: 'failed', why: 'no answer in time' }, null);
}

export const isPartDeadline = (data: unknown): boolean => deadlineSchema.safeParse(data).success;

function settlePart(
  context: AgentContext,
  { message }: Delivery,
  id: MessageId,
  part: string,
  outcome: Progress,
  brought: Budget | null,
): Settlement {
  const { card, teams, keys, clock } = context;
  const run = teams.get(card.id, id);
  const progress = run?.parts.find((one) => one.id === part)?.progress;
  // Answered before, or given up: what comes after that changes nothing.
  if (!run || progress?.kind !== 'given') return { kind: 'ack' };
  const back = brought === null ? turnsOf(run.budget, 0) : smallerBudget(brought, progress.share);
  const next: TeamRun = { ...withProgress(run, [{ id: part }], outcome), budget: mergeBudgets(run.budget, back) };
  const effects = new Effects(
    card,
    message,
    { ...run.trace, hop: message.trace.hop, budget: next.budget },
    keys,
    clock,
  );
  if (run.kind !== 'send' && next.parts.some(isOpen)) {
    effects.say(run.place, describeProgress(next, part), { label: 'progress' });
  }
  return goOn(context, effects, next);
}

/** Gives out the parts that can begin now; when there is none left, tells the person what came of all. */
function goOn(context: AgentContext, effects: Effects, before: TeamRun): Settlement {
  const { card, teams } = context;
  const left = before.budget;
  const run = withoutHopeless(before);
  const ready = run.parts.filter(({ progress, after }) => progress.kind === 'waiting' && after.every(isDone(run)));
  const later = run.parts.filter(({ progress }) => progress.kind === 'waiting').length - ready.length;
  const kept = later * splitBudget(left, ready.length + later).turns;
  effects.keep(kept);
  for (const part of ready) give(context, effects, run, part);
  if (ready.length > 0 && !effects.exhausted(left)) {
    const given = (share: Budget): TeamRun => withProgress(run, ready, { kind: 'given', share });
    effects.writeWithShare((share) => teams.put(card.id, { ...given(share), budget: turnsOf(left, kept) }));
  } else {
    const over = withoutHopeless(withProgress(run, ready, { kind: 'failed', why: 'the budget is spent' }));
    if (!over.parts.some(isOpen)) effects.say(run.place, describeOutcome(over), { id: outcomeId(run) });
    effects.write(teams.put(card.id, over));
  }
  const { outputs, also } = effects.finish(left);
  return { kind: 'ack', outputs, also };
}

function give(
  { directory, clock, taskTimeoutMs }: AgentContext,
  effects: Effects,
  run: TeamRun,
  { id, agent, task, after }: Part,
): void {
  const label = `part:${id}`;
  const conversation = conversationOf(run);
  effects.assign({
    label,
    to: directory.get(agent.id) ?? { ...agent, metadata: {} },
    text: withInputs(task, run, after),
    conversation,
    about: { run: run.id, part: id },
  });
  const deadline = { kind: 'team', run: run.id, part: id };
  effects.remind(`${label}:deadline`, conversation, clock.now() + taskTimeoutMs, deadline);
}

/** All of a task is one conversation: its answers are handled one at a time. */
const conversationOf = ({ id }: TeamRun): ConversationId => conversationId(deriveId('conv', id, 'team'));
/** A task has one outcome, whatever it was that came last. */
const outcomeId = ({ id }: TeamRun): MessageId => messageId(deriveId('msg', id, 'outcome'));

type Part = TeamRun['parts'][number];

const isOpen = ({ progress: { kind } }: Part): boolean => kind === 'waiting' || kind === 'given';

const isDone =
  ({ parts }: TeamRun) =>
  (id: string): boolean =>
    parts.some((part) => part.id === id && part.progress.kind === 'done');

function withProgress(run: TeamRun, parts: readonly { readonly id: string }[], progress: Progress): TeamRun {
  const ids = new Set(parts.map(({ id }) => id));
  return { ...run, parts: run.parts.map((part) => (ids.has(part.id) ? { ...part, progress } : part)) };
}

/** A part that needs one that has failed is not begun, nor what needs that one. */
function withoutHopeless(run: TeamRun): TeamRun {
  const failed = new Set(run.parts.filter(({ progress }) => progress.kind === 'failed').map(({ id }) => id));
  const hopeless = run.parts.find(
    ({ progress, after }) => progress.kind === 'waiting' && after.some((id) => failed.has(id)),
  );
  if (!hopeless) return run;
  const needed = hopeless.after.filter((id) => failed.has(id)).join(', ');
  return withoutHopeless(withProgress(run, [hopeless], { kind: 'failed', why: `it needs ${needed}, which failed` }));
}

/** What agents have written is handed on as what it is. */
function withInputs(task: string, { parts }: TeamRun, after: readonly string[]): string {
  const inputs = parts.flatMap(({ id, agent, progress }) =>
    after.includes(id) && progress.kind === 'done'
      ? [`[result of ${id}, by ${agent.name}]\n${progress.result.slice(0, MAX_INPUT)}`]
      : [],
  );
  return [task, ...inputs].join('\n\n');
}

function describePlan({ parts }: TeamRun): string {
  const lines = parts.map(({ id, agent, task, after }) => {
    const needs = after.length > 0 ? ` (after ${after.join(', ')})` : '';
    return `${id}: ${agent.name}${needs}: ${shortened(task)}`;
  });
  return [`The plan has ${counted(parts.length, 'part')}:`, ...lines].join('\n');
}

function describeProgress({ parts }: TeamRun, id: string): string {
  const settled = parts.filter((part) => !isOpen(part)).length;
  const part = parts.find((one) => one.id === id);
  const how = part?.progress.kind === 'failed' ? `failed: ${part.progress.why}` : 'done';
  return `${settled} of ${parts.length}: ${part?.agent.name ?? id}, ${shortened(part?.task ?? '')}: ${how}.`;
}

function describeOutcome({ kind, parts }: TeamRun): string {
  const results = parts.map(({ id, agent, progress }) => {
    const name = kind === 'team' ? `${agent.name} (${id})` : agent.name;
    if (progress.kind === 'done') return `${name}: ${progress.result}`;
    return `${name} has not done it: ${progress.kind === 'failed' ? progress.why : 'it was not begun'}.`;
  });
  if (kind === 'send') return results.join('\n');
  const done = parts.filter(({ progress }) => progress.kind === 'done').length;
  const what = kind === 'team' ? counted(parts.length, 'part') : counted(parts.length, 'agent');
  return [`${done} of ${what} done.`, ...results].join('\n\n');
}

const counted = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

const shortened = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > QUOTED ? `${line.slice(0, QUOTED - 1)}…` : line;
};
