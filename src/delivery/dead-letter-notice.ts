import { z } from 'zod';
import { type Address, accountOf, agentOf, type MessageId, messageId } from '../domain/addresses.ts';
import { type ChatOut, placeOf } from '../domain/chat.ts';
import type { Message } from '../domain/message.ts';
import { continueTrace } from '../domain/trace.ts';
import { deriveId } from '../lib/ids.ts';
import { saying } from './saying.ts';
import { undeliveredNotice } from './undelivered-notice.ts';
import type { Handler } from './worker.ts';

const deadLetterSchema = z.object({
  message: z.string().transform(messageId),
  to: z.string(),
  status: z.enum(['failed', 'expired']),
  reason: z.string().nullable(),
});

interface DeadLetterNoticeOptions {
  readonly find: (id: MessageId) => Message | null;
  readonly nameOf: (to: Address) => string;
  /** Who hears of what a channel could not say: an id there; null: nobody. */
  readonly ownerOn: (channel: string) => string | null;
}

/**
 * Tells the person whose message it was, or whose message had led to it, that something could not be done: neither a dead letter
 * nor a message that came too late is silent. Of what could not be said in a chat the owner hears. What cannot be told to anybody stays where it is,
 * among the dead letters.
 */
export function deadLetterNotice({ find, nameOf, ownerOn }: DeadLetterNoticeOptions): Handler {
  return async ({ message: notice }) => {
    const letter = deadLetterSchema.parse(notice.payload.data);
    const failed = find(letter.message);
    const left = accountOf(letter.to as Address);
    const owner = left && ownerOn(left.channel);
    if (failed && left && owner !== null) {
      const reason = letter.reason ?? 'it would have come too late';
      const told = undeliveredNotice({ departed: failed, ...left, owner, reason });
      return { kind: 'ack', outputs: told ? [told] : [] };
    }
    const place = failed && (placeOf(failed) ?? placeOf(find(failed.trace.root)));
    const agent = agentOf(letter.to as Address);
    if (!place || agent === null) return { kind: 'ack' };
    const name = nameOf(letter.to as Address);
    const what = failed.trace.cause === null ? 'your message' : 'a message that yours had led to';
    const text =
      letter.status === 'expired'
        ? `${name} did not get to ${what} in time, and has dropped it. Write again if it still matters.`
        : `${name} could not deal with ${what} after several attempts. It is kept, and can be tried again: it is among the dead letters as ${letter.message}.`;
    const out: ChatOut = { peer: place.peer, speaker: { id: agent, name }, text };
    const told = saying(place, out, {
      id: messageId(deriveId('msg', notice.id, 'told')),
      from: notice.from,
      conversation: notice.conversation,
      replyTo: letter.message,
      trace: continueTrace(notice.trace, notice.id, notice.trace.budget),
    });
    return { kind: 'ack', outputs: [told] };
  };
}
