import { z } from 'zod';
import { agentAddress, isForeignId, type MessageId, messageId } from '../domain/addresses.ts';
import { type ChatPlace, sessionKey } from '../domain/chat.ts';
import type { Delivery, DeliveryStatus, Settlement } from '../domain/delivery.ts';
import type { Contribution, Discussion, Group, GroupMember } from '../domain/group.ts';
import type { SessionEntry } from '../domain/session.ts';
import { type Budget, mergeBudgets, smallerBudget, type Trace, turnsOf } from '../domain/trace.ts';
import type { Write } from '../domain/write.ts';
import { deriveId } from '../lib/ids.ts';
import type { OpenedEnvelope } from '../protocol/envelope.ts';
import type { AgentContext } from './context.ts';
import { Effects } from './effects.ts';
import { discussionKey, groupChat, groupConversation, SUMMARY_TURNS } from './groups.ts';
import { placeOfPanel } from './panel.ts';
import { waitingNotice } from './person.ts';
import { closingPrompt, REMEMBERED_LINES, systemPrompt } from './prompt.ts';
import { cannotAnswer, isWorthWaiting, takeTurn, waitForProvider } from './turn.ts';

const contributionSchema = z.object({
  discussion: z.string().refine(isForeignId).transform(messageId),
  round: z.int().min(1).max(100),
  text: z.string().nullable(),
  failed: z.string().max(500).optional(),
});

const deadlineSchema = z.object({
  kind: z.literal('round'),
  discussion: z.string().transform(messageId),
  round: z.int(),
  /** How often the time of the round was lengthened. */
  extended: z.int().default(0),
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
  const { discussion: id, round, text, failed } = parsed.data;
  const speaker = { id: envelope.from.agentId, name: envelope.from.agentName };
  const line = { id: envelope.id, role: 'user', speaker: speaker.name, text: text ?? '', at: clock.now() } as const;
  const remember = text === null ? [] : [sessions.append(card.id, discussionKey(card.id, group.id, id), [line])];
  const place = placeOfPanel(context, group, trace);
  if (text !== null && place)
    remember.push(hearInChat(context, place, id, { ...line, text: `${speaker.name}: ${text}` }));

  const discussion = discussions.get(card.id, id);
  if (group.host !== card.id || !discussion) return { kind: 'ack', also: remember };
  const said = { id: envelope.id, round, speaker, text, failed };
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

/** What another agent of a panel says is part of the chat, as what its question is part of. */
function hearInChat(
  { card, sessions }: AgentContext,
  place: ChatPlace,
  question: MessageId,
  line: SessionEntry,
): Write {
  const key = sessionKey(card.id, place);
  const asked = sessions.recent(key, REMEMBERED_LINES).find(({ id }) => id === question);
  // What people have said since the question is still to be heard.
  return sessions.append(card.id, key, [{ ...line, at: asked?.at ?? line.at }]);
}

/** The time of a round is up: whoever has not answered is taken to be silent. */
export async function closeRound(
  context: AgentContext,
  delivery: Delivery,
  data: unknown,
  signal: AbortSignal,
): Promise<Settlement> {
  const { card, discussions, groups } = context;
  const deadline = deadlineSchema.parse(data);
  const { discussion: id, round } = deadline;
  const discussion = discussions.get(card.id, id);
  const group = discussion && groups.get(card.id, discussion.group);
  if (!discussion || !group || discussion.closed || discussion.round !== round) return { kind: 'ack' };
  const longer = lengthened(context, delivery, discussion, deadline);
  if (longer) return longer;
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

const UNSETTLED: ReadonlySet<DeliveryStatus> = new Set(['queued', 'blocked', 'leased']);

/** So often the time of a round is lengthened for those who have not been able to begin. */
const MOST_EXTENSIONS = 5;

/**
 * Another while for a round whose question still waits in the mailboxes of members, or their answer in that of the host: they have others to
 * answer before it, or Parley was down when the time was up. Null when there is nobody to wait for. In a group a member may be in no process at all.
 */
function lengthened(
  context: AgentContext,
  delivery: Delivery,
  discussion: Discussion,
  deadline: z.output<typeof deadlineSchema>,
): Settlement | null {
  const { clock, status, behind, discussion: limits } = context;
  const { round, extended } = deadline;
  const dueAt = delivery.message.acceptedAt + limits.roundTimeoutMs;
  const wasDown = clock.now() - dueAt >= limits.roundTimeoutMs / 2;
  const awaited = new Set(discussion.waitingFor.map(agentAddress));
  const asked = status(discussion.asked).filter((one) => UNSETTLED.has(one.status) && awaited.has(one.to));
  // What they have said may be behind this, when the host had other things to do.
  const said = behind(delivery.message.id, delivery.to).filter(({ from }) => awaited.has(from));
  const isAsked = asked.length > 0 || said.length > 0;
  const most = discussion.panel ? MOST_EXTENSIONS : Number(wasDown);
  if (!isAsked || extended >= most) return null;
  const effects = effectsOf(context, delivery, discussion, discussion.budget, delivery.message.trace.hop);
  const next = clock.now() + limits.roundTimeoutMs;
  const conversation = groupConversation(discussion.group);
  effects.remind(`round:${round}:longer`, conversation, next, { ...deadline, extended: extended + 1 });
  return settle(effects, discussion.budget);
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
      asked: effects.id(`round:${round}`),
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
  const cut = cutShort
    ? [
        `(The discussion ended after round ${discussion.round} of ${discussion.rounds}: its budget did not reach for another.)`,
      ]
    : [];
  if (!needsSummary(discussion)) {
    const text = [...withoutSummary(discussion), ...cut].join('\n\n');
    if (text !== '') effects.say(place, text, { id: summaryId(discussion) });
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
    // On a panel what has been said is as good as an answer.
    if (outcome.kind === 'waiting' && (!discussion.panel || isWorthWaiting(context, delivery, outcome.retryAfterMs))) {
      const notice = discussion.panel ? null : waitingNotice(context, delivery, place, effects.trace);
      return waitForProvider(outcome, notice);
    }
    effects = begin();
    text = outcome.kind === 'answered' && outcome.text ? outcome.text : listed(spoken);
  }
  text = [text, ...failures(discussion), ...cut].join('\n\n');
  effects.say(place, text, { id: summaryId(discussion) });
  const line = { id: summaryId(discussion), role: 'assistant', speaker: card.name, text, at: effects.now } as const;
  effects.write(sessions.append(card.id, sessionKey(card.id, place), [line]));
  effects.write(discussions.put(card.id, { ...discussion, waitingFor: [], closed: true }));
  return settle(effects, discussion.budget);
}

/** What is left to say on a panel whose agents have said in the chat what they had to say. */
function withoutSummary(discussion: Discussion): readonly string[] {
  const { panel, contributions } = discussion;
  if (contributions.some(({ text }) => text !== null)) return [];
  // Without a judge each has said so itself.
  const failed = panel?.judgement ? failures(discussion) : [];
  if (failed.length > 0) return failed;
  return panel?.awaited && contributions.every((one) => one.failed === undefined) ? [SILENCE] : [];
}

/** Who could not answer, each once. */
function failures({ contributions }: Discussion): readonly string[] {
  const byName = new Map(contributions.map(({ speaker, failed }) => [speaker.name, failed]));
  return [...byName].flatMap(([name, failed]) => (failed === undefined ? [] : `${name}: ${cannotAnswer(failed)}`));
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
  discussion: Discussion,
  said: Contribution,
): void {
  const { place, panel } = discussion;
  const words = panel ? wordsOnPanel(discussion, said) : said.text;
  if (words === null) return;
  const isHere = panel !== undefined || place.peer.kind === 'group';
  if (isHere || hasGroupChats(place.channel))
    effects.say(isHere ? place : groupChat(group, place), words, { label: 'contribution', speaker: said.speaker });
}

/** What the people in the chat of a panel see of a contribution. */
function wordsOnPanel({ panel, contributions }: Discussion, { text, failed, speaker }: Contribution): string | null {
  const mode = panel?.judgement?.mode ?? null;
  if (text !== null) {
    const isFirst = contributions.every((one) => one.text === null);
    return mode === null || (mode === 'first' && isFirst) ? text : null;
  }
  const isKnown = contributions.some((one) => one.speaker.id === speaker.id && one.failed !== undefined);
  return failed === undefined || isKnown || mode !== null ? null : cannotAnswer(failed);
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
