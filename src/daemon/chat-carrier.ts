import type { Channel } from '../channels/channel.ts';
import type { Carrier } from '../delivery/inbound.ts';
import type { ChatIn } from '../domain/chat.ts';
import type { EnvelopePartStore } from '../domain/envelope-parts.ts';
import type { Write } from '../domain/write.ts';
import { looksLikeEnvelope } from '../protocol/ai-comms-1.0.ts';
import { carriedMessage, type WayIn } from '../protocol/carried.ts';
import { readPart } from '../protocol/parts.ts';
import type { Gate } from '../security/gate.ts';

interface CarrierOptions {
  readonly channel: Pick<Channel, 'name' | 'numberOf'>;
  readonly gate: Gate;
  readonly parts: EnvelopePartStore;
  readonly commit: (writes: readonly Write[]) => Promise<void>;
}

const MALFORMED = { allow: false, reason: 'malformed envelope', notify: 'nobody' } as const;

/** Reads what other agents say over a chat platform: envelopes, whole or in parts. */
export function chatCarrier({ channel, gate, parts, commit }: CarrierOptions): Carrier {
  return {
    commit,
    read(chat, agent) {
      const part = readPart(chat.text);
      if (!part && !looksLikeEnvelope(chat.text)) return null;
      const verdict = gate.checkCarrier(chat);
      if (!verdict.allow) return { verdict, message: null, also: [] };
      const stored = part && { ...part, recipient: agent, sender: chat.sender.id };
      const text = stored ? parts.complete(stored) : chat.text;
      if (stored && text === null) return { verdict, message: null, also: [parts.put(stored)] };
      const message = text === null ? null : carriedMessage(text, agent, wayIn(channel, chat));
      if (!message) return { verdict: MALFORMED, message: null, also: [] };
      return { verdict, message, also: stored ? [parts.remove(stored)] : [] };
    },
  };
}

function wayIn(channel: CarrierOptions['channel'], { account, sender, at }: ChatIn): WayIn {
  const { name } = channel;
  const phone = [sender.id, ...(sender.aliases ?? [])].find((id) => id.startsWith('+'));
  const to = channel.numberOf?.(account);
  return {
    transport: name,
    metadata: { [name]: sender.id },
    ...(phone !== undefined && { phone }),
    ...(typeof to === 'string' && { to }),
    ...(at !== undefined && { postedAt: at }),
  };
}
