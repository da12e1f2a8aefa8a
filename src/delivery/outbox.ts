import { CHAT_OUT, type ChatOut, chatOutSchema } from '../domain/chat.ts';
import type { Handler } from './worker.ts';

/** The handler of a channel account's outbox: says a message with the id that it has had all along, then acks it durably. */
export function outbox(
  account: string,
  send: (departure: { id: string; account: string; chat: ChatOut }) => Promise<void>,
): Handler {
  return async ({ message }) => {
    if (message.payload.type !== CHAT_OUT)
      return { kind: 'term', reason: `a channel cannot say a ${message.payload.type}` };
    await send({ id: message.id, account, chat: chatOutSchema.parse(message.payload.data) });
    return { kind: 'ack', durable: true };
  };
}
