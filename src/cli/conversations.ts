import type { ConversationSummary } from '../daemon/open-spool.ts';
import type { SpoolOptions } from './options.ts';
import { isoTime, localTime, mark, oneLine, printResult } from './output.ts';
import { withSpool } from './with-spool.ts';

export interface ConversationsOptions extends SpoolOptions {
  readonly agent?: string;
  readonly limit: number;
}

/** `parley conversations`: what is being talked about, and by whom. */
export async function conversations(options: ConversationsOptions): Promise<void> {
  const { agent, limit } = options;
  const found = await withSpool(options, (spool) =>
    spool.conversations({ limit, ...(agent !== undefined && { agent }) }),
  );
  printResult({ conversations: found.map(documentOf) }, options, () =>
    found.length === 0 ? 'No conversations.' : [`Conversations (${found.length}):`, ...found.map(describe)].join('\n'),
  );
}

function documentOf({ id, messages, participants, firstAt, lastAt, lastSubject }: ConversationSummary) {
  const times = { first_at: isoTime(firstAt), last_at: isoTime(lastAt) };
  return { conversation_id: id, messages, participants, ...times, last_subject: lastSubject };
}

function describe({ id, messages, participants, lastAt, lastSubject }: ConversationSummary): string {
  const subject = lastSubject === '' ? '' : ` ${oneLine(lastSubject)}`;
  return `  ${mark('strong', oneLine(id))} ${messages} message(s) between ${participants.join(', ')}; last ${localTime(lastAt)}${subject}`;
}
