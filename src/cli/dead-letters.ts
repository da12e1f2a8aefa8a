import type { DeadLetter, DeadLetterFilter } from '../daemon/open-spool.ts';
import { ParleyError } from '../domain/errors.ts';
import { describeMessage } from './messages.ts';
import type { SpoolOptions } from './options.ts';
import { isoTime, localTime, mark, oneLine, printResult } from './output.ts';
import { withSpool } from './with-spool.ts';

export interface ListOptions extends SpoolOptions, FilterOptions {}

export interface RedriveOptions extends SpoolOptions, FilterOptions {
  readonly all?: boolean;
}

interface FilterOptions {
  readonly agent?: string;
  readonly reason?: string;
  /** Hours. */
  readonly olderThan?: number;
}

/** `parley dlq list`: what could not be delivered, and why. */
export async function listDeadLetters(options: ListOptions): Promise<void> {
  const letters = await withSpool(options, (spool) => spool.deadLetters(filterOf(options)));
  printResult({ dead_letters: letters.map(documentOf) }, options, () =>
    letters.length === 0
      ? 'No dead letters.'
      : [`Dead letters (${letters.length}):`, ...letters.map(describe)].join('\n'),
  );
}

/** `parley dlq show`: one of them, with its message; several when it was given up for several recipients. */
export async function showDeadLetter(id: string, options: SpoolOptions): Promise<void> {
  const letters = (await withSpool(options, (spool) => spool.deadLetters())).filter(({ message }) => message.id === id);
  if (letters.length === 0) throw noDeadLetter(id);
  printResult({ dead_letters: letters.map(documentOf) }, options, () =>
    letters
      .map(({ message, agent, reason, attempts, at }) =>
        describeMessage(message, {
          Mailbox: agent,
          'Given up': `${localTime(at)}, after ${attempts} attempt(s): ${oneLine(reason)}`,
        }),
      )
      .join('\n\n'),
  );
}

/** `parley dlq redrive`: by id, by filter or all. Throws USAGE unless it is exactly one of these. */
export async function redriveDeadLetters(id: string | undefined, options: RedriveOptions): Promise<void> {
  const which = selectionOf(id, options);
  const redriven = await withSpool(options, (spool) => spool.redrive(which));
  if (id !== undefined && redriven === 0) throw noDeadLetter(id);
  printResult({ redriven }, options, () => `${redriven} dead letter(s) will be delivered again.`);
}

type Selection = { id: string; agent?: string } | { filter: DeadLetterFilter } | 'all';

function selectionOf(id: string | undefined, options: RedriveOptions): Selection {
  const { all = false, agent, reason } = options;
  const filtered = agent !== undefined || reason !== undefined;
  if (id !== undefined && !all && reason === undefined) return { id, ...(agent !== undefined && { agent }) };
  if (id === undefined && all && !filtered) return 'all';
  if (id === undefined && !all && filtered) return { filter: filterOf(options) };
  throw new ParleyError('USAGE', 'It takes the id of a message, or --all, or --agent and --reason.', {
    hint: 'parley dlq list shows what there is.',
  });
}

function filterOf({ agent, reason, olderThan }: FilterOptions): DeadLetterFilter {
  return {
    ...(agent !== undefined && { agent }),
    ...(reason !== undefined && { reason }),
    ...(olderThan !== undefined && { olderThanHours: olderThan }),
  };
}

function documentOf({ message, agent, reason, attempts, at }: DeadLetter) {
  return { agent, reason, attempts, given_up_at: isoTime(at), message };
}

function describe({ message, agent, reason, attempts, at }: DeadLetter): string {
  const subject = message.subject === '' ? '' : ` "${oneLine(message.subject)}"`;
  return `  ${mark('strong', message.id)} ${message.from} -> ${agent}${subject}; ${localTime(at)}, after ${attempts} attempt(s): ${oneLine(reason)}`;
}

function noDeadLetter(id: string): ParleyError {
  return new ParleyError('MESSAGE_INVALID', `There is no dead letter '${oneLine(id)}'.`, {
    hint: 'parley dlq list shows what there is.',
  });
}
