import { accountAddress } from '../domain/addresses.ts';
import { CHAT_OUT, type ChatOut, type ChatPlace } from '../domain/chat.ts';
import type { NewMessage } from '../domain/message.ts';
import type { Json } from '../lib/json.ts';

/** What `saying` does not decide. */
type Rest = Omit<NewMessage, 'deliveries' | 'body' | 'payload'> & {
  /** Default: that of the spool. */
  readonly maxAttempts?: number;
};

/** A message by which an account says something. What is said in one chat is said in its order. */
export function saying(
  { channel, account }: Pick<ChatPlace, 'channel' | 'account'>,
  out: ChatOut & { readonly about?: Json },
  { maxAttempts, ...rest }: Rest,
): NewMessage {
  const { kind, id } = out.peer;
  const attempts = maxAttempts === undefined ? {} : { maxAttempts };
  return {
    ...rest,
    deliveries: [{ to: accountAddress(channel, account), orderingKey: `${kind}:${id}`, ...attempts }],
    body: out.text,
    payload: { type: CHAT_OUT, data: out },
  };
}
