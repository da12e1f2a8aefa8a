import { messageId } from '../domain/addresses.ts';
import { CHAT_OUT, type ChatOut, chatOutSchema } from '../domain/chat.ts';
import type { Message, NewMessage } from '../domain/message.ts';
import { continueTrace } from '../domain/trace.ts';
import { deriveId } from '../lib/ids.ts';
import { saying } from './saying.ts';

interface Undelivered {
  readonly departed: Message;
  /** Where it left, or was to leave, and where the owner is reached. */
  readonly channel: string;
  readonly account: string;
  /** An id on the channel. */
  readonly owner: string;
  /** In words of the platform. */
  readonly reason: string;
}

/**
 * What the owner hears of something said that did not arrive: the platform refused it, or took it and then could not deliver it. Whom it was for
 * cannot be told. Null for what was said to the owner, who cannot be reached either, and for what programs say to each other. Once for each message.
 */
export function undeliveredNotice({ departed, channel, account, owner, reason }: Undelivered): NewMessage | null {
  if (departed.payload.type !== CHAT_OUT) return null;
  const { peer, speaker, verbatim } = chatOutSchema.parse(departed.payload.data);
  if (verbatim || (peer.kind === 'dm' && peer.id === owner)) return null;
  const text = `What ${speaker.name} said to ${peer.name ?? peer.id} was not delivered: ${reason}. It is kept as ${departed.id}.`;
  const out: ChatOut = { peer: { kind: 'dm', id: owner }, speaker, text };
  return saying({ channel, account }, out, {
    id: messageId(deriveId('msg', departed.id, 'undelivered')),
    from: departed.from,
    conversation: departed.conversation,
    trace: continueTrace(departed.trace, departed.id, departed.trace.budget),
  });
}
