import type { Channel } from '../channels/channel.ts';
import type { InboundOptions } from '../delivery/inbound.ts';
import type { AgentId } from '../domain/addresses.ts';
import type { RegisteredAgent } from '../domain/agent-card.ts';
import type { ChatIn } from '../domain/chat.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import type { Gate } from '../security/gate.ts';
import { normaliseIdentity } from '../security/identity.ts';

interface SpeakingAgentOptions {
  readonly channel: Pick<Channel, 'name' | 'numberOf'>;
  /** Those of this process. */
  readonly accounts: readonly AgentId[];
  readonly nameOf: (agent: AgentId) => string;
  readonly registry: Pick<AgentDirectory, 'list'>;
  readonly gate: Pick<Gate, 'checkCarrier'>;
}

/** Finds the agent that speaks in a group by the number that it has on the channel. Alone with somebody, agents say nothing but envelopes. */
export function speakingAgent(options: SpeakingAgentOptions): NonNullable<InboundOptions['speakingAgent']> {
  return (chat) => {
    const name = chat.peer.kind === 'group' ? nameOfSpeaker(options, chat) : null;
    return name === null ? null : { name, verdict: options.gate.checkCarrier(chat) };
  };
}

function nameOfSpeaker(
  { channel, accounts, nameOf, registry }: SpeakingAgentOptions,
  { sender }: ChatIn,
): string | null {
  const speaker = new Set([sender.id, ...(sender.aliases ?? [])].map(normaliseIdentity));
  const isSpeaker = (id: string | null | undefined): boolean => Boolean(id) && speaker.has(normaliseIdentity(id ?? ''));
  const own = accounts.find((account) => isSpeaker(channel.numberOf?.(account)));
  if (own !== undefined) return nameOf(own);
  const other = registry.list().find((agent) => numbersOf(agent, channel.name).some(isSpeaker));
  return other?.name ?? null;
}

/** What an agent elsewhere says of its number is only its word: a person's number would silence that person. */
function numbersOf({ transport, phone, metadata }: RegisteredAgent, channel: string): (string | null | undefined)[] {
  return transport === 'sqlite' || transport === channel ? [phone, metadata[channel]] : [];
}
