import { z } from 'zod';
import {
  type AgentId,
  agentAddress,
  agentId,
  conversationId,
  isAgentId,
  type MessageId,
  messageId,
} from '../domain/addresses.ts';
import { type AgentCard, READS_ENVELOPES, readsEnvelopes } from '../domain/agent-card.ts';
import type { Message, NewMessage } from '../domain/message.ts';
import { startTrace } from '../domain/trace.ts';
import { deriveId, newId } from '../lib/ids.ts';
import { ENVELOPE, lineSchema } from '../protocol/ai-comms-1.0.ts';
import { type OpenedEnvelope, writeEnvelope } from '../protocol/envelope.ts';
import type { EnvelopeKeys } from '../protocol/keys.ts';
import type { Effects } from './effects.ts';

/** An announcement that was not read by then is of no use to anybody, in milliseconds. */
const ANNOUNCEMENT_TTL_MS = 5 * 60_000;

const word = lineSchema(128);
const cardSchema = z.object({
  id: z.string().refine(isAgentId),
  name: word,
  capabilities: z.array(word).max(50),
  device: z.string().max(200),
  transport: word,
  phone: z.string().max(40).nullable(),
  provider: z.string().max(80).nullable(),
  metadata: z.record(z.string().max(80), z.string().max(500)),
});

/** The messages by which an agent makes itself known to those of `known` that it can talk to. */
export function announcement(
  card: AgentCard,
  known: readonly AgentCard[],
  keys: EnvelopeKeys,
  now: number,
): NewMessage[] {
  const others = known.filter((other) => other.id !== card.id && readsEnvelopes(other));
  return others.map((other) => {
    const id = messageId(newId('msg', now));
    const conversation = conversationId(deriveId('conv', 'discovery', ...[card.id, other.id].sort()));
    const trace = startTrace(id, card.id, { turns: 0, tokens: null, microUsd: null });
    const draft = {
      id,
      from: { agentId: card.id, agentName: card.name },
      to: { agentId: other.id, agentName: other.name },
      intent: 'announce',
      payload: card,
      conversationId: conversation,
      sentAt: now,
      trace,
    };
    return {
      id,
      from: agentAddress(card.id),
      deliveries: [{ to: agentAddress(other.id), orderingKey: conversation }],
      conversation,
      subject: 'announce',
      body: writeEnvelope(draft, keys),
      payload: { type: ENVELOPE, data: { intent: 'announce', sealed: keys.sealing !== null } },
      trace,
      ttlMs: ANNOUNCEMENT_TTL_MS,
    };
  });
}

/** The text by which an agent makes itself known to one of which it knows only the number. */
export function introduction(card: AgentCard, phone: string, id: MessageId, keys: EnvelopeKeys, now: number): string {
  return writeEnvelope(
    {
      id,
      from: { agentId: card.id, agentName: card.name },
      to: { agentId: agentId(digitsOf(phone)), agentName: phone },
      intent: 'announce',
      payload: card,
      conversationId: conversationId(deriveId('conv', 'discovery', card.id, digitsOf(phone))),
      sentAt: now,
      trace: startTrace(id, card.id, { turns: 0, tokens: null, microUsd: null }),
    },
    keys,
  );
}

/** What an agent is called of which only the number is known. */
export const digitsOf = (phone: string): string => phone.replaceAll(/\D/g, '');

/** The card in an announcement or an answer to one: that of its sender, or null when it is anything else. */
export function announcedCard(envelope: OpenedEnvelope): AgentCard | null {
  const parsed = cardSchema.safeParse(envelope.payload);
  if (!parsed.success || parsed.data.id !== envelope.from.agentId) return null;
  return { ...parsed.data, id: agentId(parsed.data.id) };
}

/** What a link puts beside an envelope that came over it: how its sender is reached from here. */
const wayInSchema = z.object({
  via: z.object({
    transport: word,
    phone: z.string().max(40).optional(),
    metadata: z.record(z.string().max(80), z.string().max(500)).default({}),
    to: z.string().max(40).optional(),
    postedAt: z.number().optional(),
  }),
});

/** How an envelope came here; null when it comes from this machine. */
export const wayIn = ({ payload }: Message) => wayInSchema.safeParse(payload.data).data?.via ?? null;

/** The card of somebody who may be on another machine: how it is reached is what we know, and not what it says. */
export function asReached(announced: AgentCard, known: AgentCard | null, message: Message): AgentCard {
  const way = wayIn(message);
  if (way) {
    const { transport, phone = announced.phone, metadata } = way;
    return { ...announced, transport, phone, metadata: { ...known?.metadata, ...announced.metadata, ...metadata } };
  }
  if (!known || known.transport === announced.transport) return announced;
  const { transport, metadata } = known;
  return { ...announced, transport, metadata: { ...metadata, ...announced.metadata } };
}

/** What is known of somebody who has said something before saying who it is: enough to answer. */
export function strangersCard({ from }: OpenedEnvelope, way: NonNullable<ReturnType<typeof wayIn>>): AgentCard {
  return {
    id: from.agentId,
    name: from.agentName,
    capabilities: [],
    device: '',
    transport: way.transport,
    phone: way.phone ?? null,
    provider: null,
    metadata: { ...way.metadata, ...READS_ENVELOPES },
  };
}

/** An announcement is answered with one's own card; an answer is not answered, so it ends there. */
export function answerAnnouncement(
  own: AgentCard,
  sender: { id: AgentId; name: string },
  envelope: OpenedEnvelope,
  effects: Effects,
): void {
  effects.send({
    label: 'identity',
    to: [sender],
    intent: 'identity',
    payload: own,
    conversation: envelope.conversationId,
    replyTo: envelope.id,
    expectsWork: false,
  });
}
