import { CHAT_OUT, type ChatOut, chatOutSchema } from '../domain/chat.ts';
import type { Handler } from './worker.ts';

/** How a channel says that a send has ended. */
type Sent =
  | { readonly kind: 'sent' }
  | { readonly kind: 'later'; readonly reason: string; readonly delayMs: number }
  | { readonly kind: 'refused'; readonly reason: string };

/** Where several agents write from one number, each says who it is. */
function labelled(chat: ChatOut): ChatOut {
  const { text, speaker, file, verbatim } = chat;
  if (verbatim === true || (text === '' && !file)) return chat;
  return { ...chat, text: text === '' ? speaker.name : `${speaker.name}: ${text}` };
}

/** The handler of a channel account's outbox: says a message with the id that it has had all along, then acks it durably. */
export function outbox(
  account: string,
  send: (departure: { id: string; account: string; chat: ChatOut }) => Promise<Sent>,
  isShared: (chat: ChatOut) => boolean = () => false,
): Handler {
  return async ({ message }) => {
    if (message.payload.type !== CHAT_OUT)
      return { kind: 'term', reason: `a channel cannot say a ${message.payload.type}` };
    const chat = chatOutSchema.parse(message.payload.data);
    const outcome = await send({ id: message.id, account, chat: isShared(chat) ? labelled(chat) : chat });
    switch (outcome.kind) {
      case 'sent':
        return { kind: 'ack', durable: true };
      case 'later':
        return { kind: 'nack', reason: outcome.reason, delayMs: outcome.delayMs, countsAsAttempt: false };
      case 'refused':
        return { kind: 'term', reason: outcome.reason };
    }
  };
}
