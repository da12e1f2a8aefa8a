import type { TailEvent } from '../daemon/open-spool.ts';
import { interruption } from './interrupt.ts';
import type { SpoolOptions } from './options.ts';
import { isoTime, localTime, mark, oneLine, printEach } from './output.ts';
import { withSpool } from './with-spool.ts';

export interface TailOptions extends SpoolOptions {
  readonly agent?: string;
  readonly conversation?: string;
}

/** `parley tail`: what happens, as it happens. Ctrl-C is how it ends, so that is a success. */
export async function tail(options: TailOptions): Promise<void> {
  const { agent, conversation } = options;
  const signal = interruption();
  await withSpool(options, async (spool) => {
    const events = spool.tail({
      signal,
      ...(agent !== undefined && { agent }),
      ...(conversation !== undefined && { conversation }),
    });
    for await (const event of events) printEach({ ...event, at: isoTime(event.at) }, options, () => describe(event));
  });
}

function describe({ at, event, id, from, to, subject, status, attempt, reason }: TailEvent): string {
  const what = event === 'settled' ? status : event;
  const about = subject === '' ? '' : ` "${oneLine(subject)}"`;
  const tries = attempt > 1 ? ` (attempt ${attempt})` : '';
  const why = reason === null ? '' : `: ${oneLine(reason)}`;
  return `${mark('faint', localTime(at))} ${what} ${id} ${from} -> ${to}${about}${tries}${why}`;
}
