import { digitsOf, introduction } from '../agents/discovery.ts';
import { saying } from '../delivery/saying.ts';
import { type AgentId, agentAddress, conversationId, messageId } from '../domain/addresses.ts';
import type { AgentCard } from '../domain/agent-card.ts';
import type { ChatOut } from '../domain/chat.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import type { NewMessage } from '../domain/message.ts';
import { startTrace } from '../domain/trace.ts';
import type { Clock } from '../lib/clock.ts';
import { deriveId } from '../lib/ids.ts';
import type { EnvelopeKeys } from '../protocol/keys.ts';
import { normaliseIdentity } from '../security/identity.ts';
import type { Spool } from '../spool/spool.ts';

const DAY_MS = 24 * 3_600_000;
/** An introduction that has not left by then would be stale where it arrives, in milliseconds. */
const TTL_MS = 4 * 60_000;

interface IntroductionsOptions {
  readonly spool: Spool;
  readonly directory: AgentDirectory;
  readonly keys: EnvelopeKeys;
  readonly clock: Clock;
  /** Numbers of agents elsewhere. */
  readonly peers: readonly string[];
  /** The agents of this process. */
  readonly cards: readonly AgentCard[];
}

/** Makes an agent known to the peers that are not known yet, over a channel that is open now; to each at most once a day. */
export async function introduce(
  account: AgentId,
  channel: string,
  { spool, directory, keys, clock, peers, cards }: IntroductionsOptions,
): Promise<void> {
  const card = cards.find(({ id }) => id === account);
  const known = new Set(directory.list().flatMap(({ phone }) => (phone === null ? [] : [normaliseIdentity(phone)])));
  const strangers = peers.map(normaliseIdentity).filter((phone) => !known.has(phone));
  if (!card || strangers.length === 0) return;
  await spool.send(strangers.map((phone) => introductionTo(phone, card, channel, keys, clock.now())));
}

function introductionTo(phone: string, card: AgentCard, channel: string, keys: EnvelopeKeys, now: number): NewMessage {
  const id = messageId(deriveId('msg', 'introduction', card.id, digitsOf(phone), Math.floor(now / DAY_MS)));
  const peer = { kind: 'dm', id: phone } as const;
  const text = introduction(card, phone, id, keys, now);
  const out: ChatOut = { peer, speaker: { id: card.id, name: card.name }, text, verbatim: true };
  return saying({ channel, account: card.id }, out, {
    id,
    from: agentAddress(card.id),
    conversation: conversationId(deriveId('conv', 'introduction', card.id, digitsOf(phone))),
    trace: startTrace(id, card.id),
    ttlMs: TTL_MS,
  });
}
