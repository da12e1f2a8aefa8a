import type { MessageDraft } from '../daemon/open-spool.ts';
import type { SpoolOptions } from './options.ts';
import { printResult } from './output.ts';
import { readStdin } from './stdin.ts';
import { withSpool } from './with-spool.ts';

interface Parts {
  readonly from: string;
  readonly to: string;
  /** `-`: what comes by standard input. */
  readonly body: string;
}

export interface SendOptions extends SpoolOptions {
  readonly subject?: string;
  readonly priority: NonNullable<MessageDraft['priority']>;
  readonly replyTo?: string;
  readonly conversation?: string;
  readonly payloadType?: string;
  readonly payloadData?: unknown;
  /** Hours. */
  readonly ttl?: number;
  /** Seconds. */
  readonly delay?: number;
  /** Epoch milliseconds. */
  readonly at?: number;
  readonly id?: string;
}

/** `parley send`: when it returns, the message is on the disk. */
export async function send(parts: Parts, options: SendOptions): Promise<void> {
  const body = parts.body === '-' ? await readStdin() : parts.body;
  const deliverAt = options.delay === undefined ? options.at : Date.now() + options.delay * 1000;
  const { id, duplicate, to, conversationId } = await withSpool(options, (spool) =>
    spool.send(draftOf({ ...parts, body }, options), deliverAt === undefined ? {} : { deliverAt }),
  );
  printResult({ id, duplicate, to, conversation_id: conversationId }, options, () =>
    duplicate
      ? `Already sent: ${id}. Nothing was stored again.`
      : `Sent: ${id}\nTo: ${to.join(', ')}\nConversation: ${conversationId}`,
  );
}

/** Only what was said: the rest is the spool's to fill in. It checks every field, also whether the data belongs to the type. */
function draftOf({ from, to, body }: Parts, options: SendOptions): MessageDraft {
  const { id, subject, priority, replyTo, conversation, ttl, payloadType = 'text', payloadData } = options;
  return {
    from,
    to,
    body,
    priority,
    ...(id !== undefined && { id }),
    ...(subject !== undefined && { subject }),
    routing: { reply_to: replyTo, conversation_id: conversation, ttl_hours: ttl },
    payload: { type: payloadType, data: payloadData } as MessageDraft['payload'],
  };
}
