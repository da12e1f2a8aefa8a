import type { ModelMessage } from 'ai';
import { z } from 'zod';
import { agentId, groupId, isAgentId, isForeignId, type MessageId, messageId } from '../domain/addresses.ts';
import { sessionKey } from '../domain/chat.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { Group } from '../domain/group.ts';
import type { SessionEntry } from '../domain/session.ts';
import { type Budget, exhaustion, type Trace } from '../domain/trace.ts';
import { lineSchema } from '../protocol/ai-comms-1.0.ts';
import type { OpenedEnvelope } from '../protocol/envelope.ts';
import { tellWhyItStopped } from './budget-notice.ts';
import { panelTools } from './chat-tools.ts';
import type { AgentContext } from './context.ts';
import { Effects } from './effects.ts';
import { discussionKey, groupConversation } from './groups.ts';
import { placeOfPanel } from './panel.ts';
import { REMEMBERED_LINES, remembered, roundPrompt, systemPrompt } from './prompt.ts';
import { isWorthWaiting, NO_PROVIDER, NO_USE, type TurnRequest, takeTurn, waitForProvider } from './turn.ts';

/** What a host sends to the members: a question, in a round of its discussion. */
const roundSchema = z.object({
  discussion: z.string().refine(isForeignId).transform(messageId),
  question: z.string(),
  askedBy: z.string().max(200),
  round: z.int().min(1).max(100),
  rounds: z.int().min(1).max(100),
});

const rosterSchema = z.object({
  group: z.object({
    id: z.string().refine(isForeignId).transform(groupId),
    name: lineSchema(128),
    purpose: z.string().max(500),
    host: z.string().refine(isAgentId).transform(agentId),
    members: z.array(z.object({ id: z.string().refine(isAgentId).transform(agentId), name: lineSchema(128) })).max(100),
    version: z.int().min(1),
    panel: z.literal(true).exactOptional(),
  }),
});

/** The group that an envelope names, if this agent is in it with the sender. */
export function groupOf({ card, groups }: AgentContext, { group, from }: OpenedEnvelope): Group | null {
  const known = group && groups.get(card.id, groupId(group.groupId));
  return known?.members.some(({ id }) => id === from.agentId) ? known : null;
}

/** The host tells who is in a group: this agent learns of it, or that it is not in it any more. */
export function takeRoster(
  { card, groups }: AgentContext,
  { payload, group: named, from }: OpenedEnvelope,
): Settlement | null {
  const parsed = rosterSchema.safeParse(payload);
  if (!parsed.success) return null;
  const { group } = parsed.data;
  const known = groups.get(card.id, group.id);
  // Only its host may change a group, and nobody can take over one that another leads.
  if (group.id !== named?.groupId || group.host !== from.agentId || (known && known.host !== group.host)) return null;
  if (known && group.version <= known.version) return { kind: 'ack' };
  const stays = group.members.some(({ id }) => id === card.id);
  return { kind: 'ack', also: [stays ? groups.put(card.id, group) : groups.remove(card.id, group.id)] };
}

/** Contributes to a discussion, or stays silent; everybody in the group hears what is said. */
export async function contribute(
  context: AgentContext,
  delivery: Delivery,
  envelope: OpenedEnvelope,
  group: Group,
  trace: Trace,
  signal: AbortSignal,
): Promise<Settlement | null> {
  const { card, sessions, clock } = context;
  const asked = roundSchema.safeParse(
    typeof envelope.payload === 'string' ? plainQuestion(envelope) : envelope.payload,
  );
  if (!asked.success || group.host !== envelope.from.agentId) return null;
  const { discussion, question, askedBy, round, rounds } = asked.data;
  const place = placeOfPanel(context, group, trace);
  const chat = place && sessionKey(card.id, place);
  const before = round === 1 ? [] : saidBefore(context, group, discussion, round);
  const heardAt = clock.now();
  const spoken = await speak(
    context,
    {
      delivery,
      trace,
      system: systemPrompt(context),
      messages: [
        ...(chat ? beforeDiscussion(context, chat, discussion) : []),
        roundPrompt(group, question, round, rounds, before),
      ],
      tools: (effects) => (place ? panelTools(context, effects, place, askedBy) : {}),
    },
    // An agent that knows only the guides may wait for as long as it takes. Who has rounds does not.
    typeof envelope.payload === 'string' ? 'wait' : 'give-up',
    signal,
  );
  if ('kind' in spoken) return spoken;

  const { effects, text, failed, left } = spoken;
  const heard = { id: discussion, role: 'user', speaker: askedBy, text: question, at: heardAt } as const;
  const own = text
    ? [{ id: effects.id('contribution'), role: 'assistant', speaker: card.name, text, at: effects.now } as const]
    : [];
  for (const memory of [discussionKey(card.id, group.id, discussion), ...(chat ? [chat] : [])]) {
    effects.write(sessions.append(card.id, memory, [heard, ...own]));
  }
  effects.send({
    label: 'contribution',
    // Silence is between it and the host, which may be itself.
    to: group.members.filter(({ id }) => id === group.host || (id !== card.id && text !== null)),
    group: { groupId: group.id, groupName: group.name },
    intent: 'group-answer',
    payload: { discussion, round, text, ...(failed !== undefined && { failed }) },
    conversation: groupConversation(group.id),
    replyTo: envelope.id,
    expectsWork: false,
    bringsBack: true,
  });
  const { outputs, also } = effects.finish(left);
  return { kind: 'ack', outputs, also };
}

/** What came of a member's turn. */
interface Spoken {
  readonly effects: Effects;
  /** null: it stays silent. */
  readonly text: string | null;
  /** Why it could not answer. */
  readonly failed?: string;
  readonly left: Budget;
}

/** Takes the turn of a member, if its budget reaches for one; a settlement when a provider is to be waited for. */
async function speak(
  context: AgentContext,
  request: TurnRequest,
  withoutProvider: 'wait' | 'give-up',
  signal: AbortSignal,
): Promise<Spoken | Settlement> {
  const { delivery, trace } = request;
  const nothing = (): Spoken => ({
    effects: new Effects(context.card, delivery.message, trace, context.keys, context.clock),
    text: null,
    left: trace.budget,
  });
  const spent = exhaustion(trace);
  if (spent) {
    const silence = nothing();
    tellWhyItStopped(context, silence.effects, spent, delivery.message.conversation);
    return silence;
  }
  const outcome = await takeTurn(context, request, signal);
  switch (outcome.kind) {
    case 'answered':
      return { effects: outcome.effects, text: outcome.text, left: outcome.left };
    case 'unanswerable':
      return { ...nothing(), failed: outcome.why };
    case 'waiting':
      if (withoutProvider === 'wait' || isWorthWaiting(context, delivery, outcome.retryAfterMs)) {
        return waitForProvider(outcome, null);
      }
      return { ...nothing(), failed: outcome.isUseless ? NO_USE : NO_PROVIDER };
  }
}

/** What was said in the rounds before this one. Who leads may have heard what others say in this one. */
function saidBefore(
  { card, sessions, discussions }: AgentContext,
  group: Group,
  id: MessageId,
  round: number,
): readonly Pick<SessionEntry, 'speaker' | 'text'>[] {
  const led = discussions.get(card.id, id);
  if (!led) {
    const lines = sessions.recent(discussionKey(card.id, group.id, id), REMEMBERED_LINES);
    return lines.filter((line) => line.id !== id);
  }
  const before = led.contributions.filter((one) => one.round < round);
  return before
    .flatMap(({ speaker, text }) => (text === null ? [] : [{ speaker: speaker.name, text }]))
    .slice(-REMEMBERED_LINES);
}

/** What an agent of a panel remembers of the chat from before a discussion there. */
function beforeDiscussion({ sessions }: AgentContext, chat: string, discussion: MessageId): ModelMessage[] {
  const lines = sessions.recent(chat, REMEMBERED_LINES);
  const begun = lines.findIndex(({ id }) => id === discussion);
  return remembered(begun < 0 ? lines : lines.slice(0, begun));
}

/** An agent that knows only the guides puts its question as plain text: that is a discussion of one round. */
function plainQuestion(envelope: OpenedEnvelope): z.input<typeof roundSchema> {
  return {
    discussion: envelope.id,
    question: String(envelope.payload),
    askedBy: envelope.from.agentName,
    round: 1,
    rounds: 1,
  };
}
