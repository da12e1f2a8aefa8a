import {
  type AgentId,
  agentAddress,
  conversationId,
  type MessageId,
  messageId,
  systemAddress,
} from '../domain/addresses.ts';
import type { AuditLog } from '../domain/audit.ts';
import { CHAT_IN, type ChatIn, type ChatOut, type ChatPanel, chatArrivalSchema } from '../domain/chat.ts';
import { AGENT_ATTEMPTS, type NewMessage } from '../domain/message.ts';
import { type Budget, startTrace } from '../domain/trace.ts';
import type { Write } from '../domain/write.ts';
import { deriveId } from '../lib/ids.ts';
import type { Spool } from '../spool/spool.ts';
import { acceptOnce } from './accept-once.ts';
import { type Refusal, refusalNotices } from './gate-notice.ts';
import type { Route, Routed } from './router.ts';
import { saying } from './saying.ts';

/** What the gate says of a message, as far as it matters here. */
type Verdict = { readonly allow: true } | Refusal;

/** What an agent's mailbox is to take of a text that is no person's: the message that it is, once it is whole, and what is kept of it. */
export interface Carried {
  readonly message: NewMessage | null;
  readonly also: readonly Write[];
}

/** Reads what other agents say over a chat platform. */
export interface Carrier {
  /** An envelope, or a part of one, and what the gate says of it; null for what people say. */
  read(chat: ChatIn, agent: AgentId): (Carried & { readonly verdict: Verdict }) | null;
  /** Commits writes that belong to no message. */
  commit(writes: readonly Write[]): Promise<void>;
}

/** How much of what is said in a chat is for the agents here: to be answered, to be listened to, or nothing. */
export type Attention = 'answer' | 'listen' | 'ignore';

/** An agent that says something for people to read, and what the gate says of it. */
export interface SpeakingAgent {
  readonly name: string;
  readonly verdict: Verdict;
}

export interface InboundOptions {
  readonly spool: Spool;
  readonly route: Route;
  readonly check: (chat: ChatIn) => Verdict;
  /** Default: everything is to be answered. */
  readonly attention?: (chat: ChatIn) => Attention;
  /**
   * The agent that speaks; null: it is a person. Agents are listened to and not answered, or two of them would go on for ever: what they
   * want answered comes in envelopes, which have a budget. Default: only people speak here.
   */
  readonly speakingAgent?: (chat: ChatIn) => SpeakingAgent | null;
  /** Is given what does not concern anybody here, or only some of a panel, but is said where the others listen. */
  readonly overheard?: (chat: ChatIn, id: MessageId) => Promise<void>;
  /** What a person says by a reaction, as if they had written it; null: nothing. Default: nothing. */
  readonly saidByReaction?: (reaction: NonNullable<ChatIn['reaction']>) => string | null;
  /** Whether a text is a command to Parley. Default: none is. */
  readonly isCommand?: (text: string) => boolean;
  /** Default: only people speak here. */
  readonly carrier?: Carrier;
  /** An emoji with which a panel shows that it has heard; null: none. */
  readonly acknowledgement?: (chat: ChatIn) => string | null;
  readonly audit: AuditLog;
  readonly budget: Budget;
  /** How long a message is worth answering, in milliseconds. */
  readonly ttlMs: number;
  /** When what is said now is to be answered, epoch milliseconds: a little later, to wait for what else the person has to say. Default: at once. */
  readonly answerAt?: () => number;
  /** What an agent is called, for what is said in its name. */
  readonly nameOf: (agent: AgentId) => string;
  /** Who is told of strangers: an id on the channel; null: nobody. */
  readonly owner: string | null;
}

/** The id here of what somebody said, from the platform's. */
export const arrivedId = (channel: string, platformId: string): MessageId =>
  messageId(deriveId('msg', channel, platformId));

/** The way in for everything that is said in a chat: gate, then router, then spool. Resolves when the message is durable. */
export function inbound(
  options: InboundOptions,
): (arrival: { id: string; chat: ChatIn; also?: readonly Write[] }) => Promise<'accepted' | 'duplicate' | 'refused'> {
  const { spool, check, attention, speakingAgent, overheard, carrier, audit, budget, ttlMs, answerAt } = options;
  return async ({ id: platformId, chat: arrived, also = [] }) => {
    const id = arrivedId(arrived.channel, platformId);
    // A platform that hands the same message over again is not a sender who writes too much.
    if (spool.message(id)) return 'duplicate';
    const chat = inWords(options, arrived);
    if (!chat) return 'refused';
    const routed = routeOf(options, chat);
    const [agent] = routed.agents;
    const brought = agent === undefined ? null : (carrier?.read(chat, agent.id) ?? null);
    const other = brought ? null : (speakingAgent?.(chat) ?? null);
    if (!brought && (other || (attention?.(chat) ?? 'answer') !== 'answer')) {
      await listen(options, chat, id, other);
      return 'refused';
    }
    const verdict = brought ? brought.verdict : check(chat);
    // Before it is accepted: if this fails, the platform hands the message over again.
    if (verdict.allow && !brought && isHeardByOthers(chat, routed)) await overheard?.(withNames(chat), id);
    const refusal = verdict.allow ? (routed.agents.length === 0 ? 'no-agent' : null) : verdict.reason;
    if (refusal !== null) {
      await audit.record({ kind: 'gate.dropped', actor: chat.sender.id, message: id, detail: refusal });
      if (!verdict.allow) await tell(options, chat, id, verdict);
      return 'refused';
    }
    if (carrier && brought) return takeCarried(spool, carrier, brought, also);
    const conversation = conversationOf(chat);
    const { recipients, panel } = recipientsOf(chat, routed);
    const said = withNames(chat);
    const accepted: NewMessage = {
      id,
      from: systemAddress(`person:${chat.channel}:${chat.sender.id}`),
      deliveries: recipients.map(({ id: recipient, rank }) => ({
        to: agentAddress(recipient),
        orderingKey: conversation,
        maxAttempts: AGENT_ATTEMPTS,
        rank,
      })),
      conversation,
      body: said.text,
      payload: { type: CHAT_IN, data: { id: platformId, ...said, ...(panel && { panel }) } },
      trace: startTrace(id, null, budget),
      ttlMs,
      ...(answerAt && { deliverAt: answerAt() }),
    };
    const acknowledgement = panel && reactionTo(options, chat, accepted, routed);
    const [receipt] = await spool.send([accepted, ...(acknowledgement ? [acknowledgement] : [])], also);
    return receipt?.duplicate ? 'duplicate' : 'accepted';
  };
}

/** Whoever may not speak is not listened to. */
async function listen(
  { attention, check, overheard }: InboundOptions,
  chat: ChatIn,
  id: MessageId,
  agent: SpeakingAgent | null,
): Promise<void> {
  if (attention?.(chat) === 'ignore' || !(agent?.verdict ?? check(chat)).allow) return;
  const said = withNames(chat);
  await overheard?.(agent ? { ...said, sender: { ...said.sender, name: agent.name } } : said, id);
}

/**
 * With names where the platform has ids, for those who read it. Who is to read it follows from the text as it came: a person who is called
 * like an agent is not that agent.
 */
function withNames({ mentions, ...chat }: ChatIn): ChatIn {
  if (!mentions) return chat;
  return {
    ...chat,
    text: chat.text.replaceAll(/@(\d+)/g, (at, id: string) => (mentions[id] ? `@${mentions[id]}` : at)),
  };
}

/** A reaction as what is said by it. Null for most of them, which are for nobody here: nobody hears of those. */
function inWords({ saidByReaction }: InboundOptions, chat: ChatIn): ChatIn | null {
  if (!chat.reaction) return chat;
  const text = saidByReaction?.(chat.reaction) ?? null;
  return text === null ? null : { ...chat, text };
}

/** The first of a panel shows that it has heard. */
function reactionTo(
  { acknowledgement, nameOf }: InboundOptions,
  chat: ChatIn,
  { id, conversation, payload, trace }: NewMessage,
  { agents: [first] }: Routed,
): NewMessage | null {
  const { peer } = chat;
  const reaction = acknowledgement?.(chat) ?? null;
  const { id: platformId } = chatArrivalSchema.parse(payload.data);
  if (reaction === null || !first) return null;
  const out: ChatOut = {
    peer,
    speaker: { id: first.id, name: nameOf(first.id) },
    text: '',
    reaction,
    replyTo: platformId,
  };
  return saying(chat, out, {
    id: messageId(deriveId('msg', id, 'acknowledgement')),
    from: agentAddress(first.id),
    conversation,
    replyTo: id,
    trace,
  });
}

/** Who handles what was said. A command is for whoever runs Parley: somebody answers it, whom else the words of it may be for. */
function routeOf({ route, isCommand }: InboundOptions, chat: ChatIn): Routed {
  const routed = route(chat);
  const [first] = routed.panel?.agents ?? [];
  if (!first || routed.agents.length > 0 || !isCommand?.(chat.text)) return routed;
  return { ...routed, agents: [{ id: first.id, rank: 0 }] };
}

/** In a group, who is not meant listens to what is said to others. */
const isHeardByOthers = ({ peer }: ChatIn, { agents, panel }: Routed): boolean =>
  peer.kind === 'group' && panel !== null && agents.length < panel.agents.length;

/** Of a panel whose agents hear each other one gets the message and leads the others; likewise one that chooses who is to answer. */
function recipientsOf(
  { peer: { kind }, addressed }: ChatIn,
  { agents, panel, isCalled, activation }: Routed,
): { recipients: Routed['agents']; panel: ChatPanel | null } {
  if (!panel) return { recipients: agents, panel: null };
  const { peer, shared, selection } = panel;
  const chosen = shared ? ('shared' as const) : ('each' as const);
  const { rounds = 1, judgement = null } = shared ?? {};
  const awaited = kind === 'dm' || addressed === true || isCalled || activation === 'mention';
  const chat = { peer, chosen, members: [...agents], rounds, awaited, judgement };
  const selector = selection?.selector ?? null;
  if (selector !== null && agents.length > 1) {
    return { recipients: [{ id: selector, rank: 0 }], panel: { ...chat, mode: 'select' } };
  }
  if (shared && agents.length > 1) return { recipients: agents.slice(0, 1), panel: { ...chat, mode: 'shared' } };
  return { recipients: agents, panel: { ...chat, mode: 'each' } };
}

async function takeCarried(
  spool: Spool,
  { commit }: Carrier,
  { message, also: kept }: Carried,
  also: readonly Write[],
): Promise<'accepted' | 'duplicate'> {
  if (message) return acceptOnce(spool, message, [...kept, ...also]);
  await commit([...kept, ...also]);
  return 'accepted';
}

const conversationOf = ({ channel, account, peer }: ChatIn): ReturnType<typeof conversationId> =>
  conversationId(deriveId('conv', channel, account, peer.kind, peer.id));

/** Strangers hear nothing; the owner hears of them, and who writes too fast or too much is told so. */
async function tell(
  { spool, owner, route, nameOf, budget }: InboundOptions,
  chat: ChatIn,
  cause: MessageId,
  refusal: Refusal,
): Promise<void> {
  const [agent] = route(chat).agents;
  if (agent === undefined || refusal.notify === 'nobody') return;
  const speaker = { id: agent.id, name: nameOf(agent.id) };
  await spool.send(
    refusalNotices(refusal, { chat, speaker, owner, cause, conversation: conversationOf(chat), budget }),
  );
}
