import type { MessageV2 } from '../daemon/open-spool.ts';
import { ParleyError } from '../domain/errors.ts';
import { describeMessage } from './messages.ts';
import type { SpoolOptions } from './options.ts';
import { oneLine, printResult } from './output.ts';
import { withSpool } from './with-spool.ts';

export interface SearchOptions extends SpoolOptions {
  readonly conversation?: string;
  readonly agent?: string;
  readonly limit: number;
}

/** `parley search`: messages by their text; or, with nothing but a conversation, all of it. Throws USAGE without either. */
export async function search(text: string | undefined, options: SearchOptions): Promise<void> {
  const { conversation, agent, limit } = options;
  if (text === undefined) return readConversation(conversation, options);
  const narrowed = {
    limit,
    ...(conversation !== undefined && { conversation }),
    ...(agent !== undefined && { agent }),
  };
  const hits = await withSpool(options, (spool) => spool.search(text, narrowed));
  printResult({ hits }, options, () =>
    hits.length === 0
      ? `No messages match '${oneLine(text)}'.`
      : [
          `Found ${hits.length} message(s):`,
          ...hits.map(({ message, snippet }) => describeMessage(message, { Match: oneLine(snippet) })),
        ].join('\n\n'),
  );
}

async function readConversation(id: string | undefined, options: SearchOptions): Promise<void> {
  if (id === undefined) {
    throw new ParleyError('USAGE', 'There is nothing to search for.', {
      hint: 'Name a text, or a conversation with --conversation; parley conversations lists those.',
    });
  }
  const { agent, limit } = options;
  const messages = (await withSpool(options, (spool) => spool.conversation(id))).filter(
    ({ from, to }) => agent === undefined || agent === from || agent === to,
  );
  // The last ones are what is being talked about.
  printResult({ conversation_id: id, messages: messages.slice(-limit) }, options, (shown) =>
    describe(shown.messages, id),
  );
}

function describe(messages: readonly MessageV2[], id: string): string {
  if (messages.length === 0) return `No messages in the conversation '${oneLine(id)}'.`;
  return [
    `${messages.length} message(s) in ${oneLine(id)}:`,
    ...messages.map((message) => describeMessage(message)),
  ].join('\n\n');
}
