import { z } from 'zod';
import { isForeignId, type MessageId, messageId } from '../domain/addresses.ts';
import { sessionKey } from '../domain/chat.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { Contribution, Discussion, Group, GroupMember } from '../domain/group.ts';
import { type Budget, mergeBudgets, smallerBudget, type Trace, turnsOf } from '../domain/trace.ts';
import { deriveId } from '../lib/ids.ts';
import type { OpenedEnvelope } from '../protocol/envelope.ts';
import type { AgentContext } from './context.ts';
import { Effects } from './effects.ts';
import { groupChat, groupConversation, groupSessionKey, SUMMARY_TURNS } from './groups.ts';
import { waitingNotice } from './person.ts';
import { closingPrompt, systemPrompt } from './prompt.ts';
import { takeTurn, waitForProvider } from './turn.ts';

const contributionSchema = z.object({
  discussion: z.string().refine(isForeignId).transform(messageId),
  round: z.int().min(1).max(100),
  text: z.string().nullable(),
});

const deadlineSchema = z.object({
  kind: z.literal('round'),
  discussion: z.string().transform(messageId),
  round: z.int(),
});

/** Hears what a member says in a group. The host of the discussion also leads it on. */
export async function hearContribution(
  context: AgentContext,
  delivery: Delivery,
  envelope: OpenedEnvelope,
  group: Group,
  trace: Trace,
  signal: AbortSignal,
): Promise<Settlement | null> {
  const { card, sessions, discussions, clock } = context;
  const parsed = contributionSchema.safeParse(envelope.payload);
  if (!parsed.success) return null;
  const { discussion: id, round, text } = parsed.data;
  const speaker = { id: envelope.from.agentId, name: envelope.from.agentName };
  const line = { id: envelope.id, role: 'user', speaker: speaker.name, text: text ?? '', at: clock.now() } as const;
  const remember = text === null ? [] : [sessions.append(card.id, groupSessionKey(card.id, group.id), [line])];

  const discussion = discussions.get(card.id, id);
  if (group.host !== card.id || !discussion) return { kind: 'ack', also: remember };
  const said = { id: envelope.id, round, speaker, text };
  const heard = withContribution(discussion, said, trace.budget);
  const begin = (): Effects => {
    const effects = effectsOf(context, delivery, discussion, heard.budget, trace.hop);
    for (const write of remember) effects.write(write);
    sayInGroupChat(context, effects, group, discussion, said);
    return effects;
  };
  if (heard.closed || (heard.waitingFor.length > 0 && !isDecided(heard))) {
    const effects = begin();
    effects.write(discussions.put(card.id, heard));
    return settle(effects, heard.budget);
  }
  return goOn(context, delivery, group, heard, begin, signal);
}

/** The time of a round is up: whoever has not answered is taken to be silent. */
export async function closeRound(
  context: AgentContext,
  delivery: Delivery,
  data: unknown,
  signal: AbortSignal,
): Promise<Settlement> {
  const { card, discussions, groups } = context;
  const { discussion: id, round } = deadlineSchema.parse(data);
  const discussion = discussions.get(card.id, id);
  const group = discussion && groups.get(card.id, discussion.group);
  if (!discussion || !group || discussion.closed || discussion.round !== round) return { kind: 'ack' };
  const late = { ...discussion, waitingFor: [] };
  return goOn(
    context,
    delivery,
    group,
    late,
    () => effectsOf(context, delivery, late, late.budget, delivery.message.trace.hop),
    signal,
  );
}

/** Everybody has spoken: another round, or the end. */
async function goOn(
  context: AgentContext,
  delivery: Delivery,
  group: Group,
  discussion: Discussion,
  begin: () => Effects,
  signal: AbortSignal,
): Promise<Settlement> {
  const somebodySpoke = discussion.contributions.some(({ round, text }) => round === discussion.round && text !== null);
  const members = discussion.panel ? group.members : group.members.filter(({ id }) => id !== context.card.id);
  const hasRounds = discussion.round < discussion.rounds && members.length > 0;
  const unfinished = somebodySpoke && hasRounds && !isDecided(discussion);
  const next = unfinished ? nextRound(context, group, members, discussion, begin()) : null;
  return next ?? close(context, delivery, group, discussion, begin, unfinished, signal);
}

/** null: the budget does not reach for another round. */
function nextRound(
  context: AgentContext,
  group: Group,
  members: readonly GroupMember[],
  discussion: Discussion,
  effects: Effects,
): Settlement | null {
  const { card, clock, discussions, discussion: limits } = context;
  const round = discussion.round + 1;
  const { id, question, askedBy, rounds } = discussion;
  const conversation = groupConversation(group.id);
  effects.send({
    label: `round:${round}`,
    to: members,
    group: { groupId: group.id, groupName: group.name },
    intent: 'group',
    payload: { discussion: id, question, askedBy, round, rounds },
    conversation,
    expectsWork: true,
  });
  effects.keep(SUMMARY_TURNS);
  if (effects.exhausted(discussion.budget)) return null;
  effects.remind(`round:${round}:deadline`, conversation, clock.now() + limits.roundTimeoutMs, {
    kind: 'round',
    discussion: id,
    round,
  });
  effects.writeWithShare((share) =>
    discussions.put(card.id, {
      ...discussion,
      round,
      share,
      waitingFor: members.map((member) => member.id),
      budget: turnsOf(discussion.budget, SUMMARY_TURNS),
    }),
  );
  return settle(effects, discussion.budget);
}

/** Whether enough has been said on a panel for its answer. */
function isDecided({ panel, contributions }: Discussion): boolean {
  const spoken = contributions.filter(({ text }) => text !== null).length;
  switch (panel?.judgement?.mode) {
    case 'first':
      return spoken >= 1;
    case 'quorum':
      return spoken >= panel.judgement.of;
    default:
      return false;
  }
}

/** On a panel everybody has said in the chat what they had to say, unless somebody puts one answer together. */
const needsSummary = ({ panel, contributions }: Discussion): boolean => {
  if (!panel) return true;
  const isJudged = panel.judgement?.mode === 'merge' || panel.judgement?.mode === 'quorum';
  return isJudged && contributions.some(({ text }) => text !== null);
};

/** The closing summary, for the person who asked. */
async function close(
  context: AgentContext,
  delivery: Delivery,
  group: Group,
  discussion: Discussion,
  begin: () => Effects,
  cutShort: boolean,
  signal: AbortSignal,
): Promise<Settlement> {
  const { card, sessions, discussions, watch } = context;
  const { place, contributions } = discussion;
  const spoken = contributions.filter(({ text }) => text !== null);
  let effects = begin();
  if (!needsSummary(discussion)) {
    if (discussion.panel?.awaited && spoken.length === 0) effects.say(place, SILENCE, { id: summaryId(discussion) });
    effects.write(discussions.put(card.id, { ...discussion, waitingFor: [], closed: true }));
    return settle(effects, discussion.budget);
  }
  let text = 'Nobody in the group has answered in time.';
  if (spoken.length > 0) {
    watch.thinking(card.id, place, true);
    const request = {
      delivery,
      trace: effects.trace,
      system: systemPrompt(context),
      messages: [closingPrompt(group, discussion)],
      tools: () => ({}),
    };
    const outcome = await takeTurn(context, request, signal).finally(() => watch.thinking(card.id, place, false));
    if (outcome.kind === 'waiting')
      return waitForProvider(outcome.retryAfterMs, waitingNotice(context, delivery, place, effects.trace));
    effects = begin();
    text = outcome.kind === 'answered' && outcome.text ? outcome.text : listed(spoken);
  }
  if (cutShort)
    text += `\n\n(The discussion ended after round ${discussion.round} of ${discussion.rounds}: its budget did not reach for another.)`;
  effects.say(place, text, { id: summaryId(discussion) });
  const line = { id: summaryId(discussion), role: 'assistant', speaker: card.name, text, at: effects.now } as const;
  effects.write(sessions.append(card.id, sessionKey(card.id, place), [line]));
  effects.write(sessions.append(card.id, groupSessionKey(card.id, group.id), [line]));
  effects.write(discussions.put(card.id, { ...discussion, waitingFor: [], closed: true }));
  return settle(effects, discussion.budget);
}

/** Each of a panel has left it to the others to answer, or has not answered in time. */
const SILENCE = 'None of us has an answer to that.';

/** One discussion has one summary, whatever it was that closed it. */
const summaryId = ({ id }: Discussion): MessageId => messageId(deriveId('msg', id, 'summary'));

const listed = (spoken: readonly Contribution[]): string =>
  spoken.map(({ speaker, text }) => `${speaker.name}: ${text}`).join('\n\n');

function withContribution(discussion: Discussion, said: Contribution, brought: Budget): Discussion {
  const { contributions, waitingFor, budget, round, share } = discussion;
  if (contributions.some(({ id }) => id === said.id)) return discussion;
  const awaited = said.round === round && waitingFor.includes(said.speaker.id);
  return {
    ...discussion,
    contributions: [...contributions, said],
    waitingFor: awaited ? waitingFor.filter((id) => id !== said.speaker.id) : waitingFor,
    budget: awaited ? mergeBudgets(budget, smallerBudget(brought, share)) : budget,
  };
}

function sayInGroupChat(
  { hasGroupChats }: AgentContext,
  effects: Effects,
  group: Group,
  { place, panel, contributions }: Discussion,
  { speaker, text }: Contribution,
): void {
  if (text === null) return;
  if (panel) {
    const isFirst = panel.judgement?.mode === 'first' && contributions.every((one) => one.text === null);
    if (panel.judgement === null || isFirst) effects.say(place, text, { label: 'contribution', speaker });
    return;
  }
  const inGroup = place.peer.kind === 'group';
  if (inGroup || hasGroupChats(place.channel))
    effects.say(inGroup ? place : groupChat(group, place), text, { label: 'contribution', speaker });
}

/** A discussion goes on from the question that began it; what may be spent is what it has left. */
function effectsOf(
  { card, keys, clock }: AgentContext,
  { message }: Delivery,
  { trace }: Discussion,
  budget: Budget,
  hop: number,
): Effects {
  return new Effects(card, message, { ...trace, hop, budget }, keys, clock);
}

function settle(effects: Effects, left: Budget): Settlement {
  const { outputs, also } = effects.finish(left);
  return { kind: 'ack', outputs, also };
}
