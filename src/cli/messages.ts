import type { MessageV2 } from '../daemon/open-spool.ts';
import { localTime, mark, oneLine, printable } from './output.ts';

/** A message as people read it: who, what about, the text; the rest only where it says something. */
export function describeMessage(message: MessageV2, more: Readonly<Record<string, string>> = {}): string {
  const { id, from, to, subject, body, timestamp, priority, routing, payload } = message;
  const fields: Record<string, string | null> = {
    ID: mark('strong', id),
    From: from,
    To: to,
    Sent: localTime(timestamp),
    Subject: subject === '' ? null : oneLine(subject),
    Body: indentRest(printable(body)),
    Payload: payload.type === 'text' ? null : `${payload.type} ${oneLine(JSON.stringify(payload.data))}`,
    Priority: priority === 'normal' ? null : priority,
    Conversation: routing.conversation_id,
    'Reply to': routing.reply_to,
    ...more,
  };
  return Object.entries(fields)
    .flatMap(([name, value]) => (value === null ? [] : `  ${name}: ${value}`))
    .join('\n');
}

/** Further lines of a text stand below its first, so that none of them looks like a field. */
const indentRest = (text: string): string => text.replaceAll('\n', '\n      ');
