import type { Received } from '../daemon/open-spool.ts';
import { INTERRUPTED_EXIT, interruption } from './interrupt.ts';
import { describeMessage } from './messages.ts';
import type { SpoolOptions } from './options.ts';
import { localTime, mark, printLine, printResult } from './output.ts';
import { withSpool } from './with-spool.ts';

export interface PollOptions extends SpoolOptions {
  readonly limit: number;
  /** Seconds. */
  readonly lease?: number;
  readonly wait?: boolean;
}

/** `parley poll`: takes messages out of a mailbox. To have found none is no failure. */
export async function poll(agent: string, options: PollOptions): Promise<void> {
  const { limit, lease, wait = false } = options;
  const signal = wait ? interruption() : null;
  const received = await withSpool(options, (spool) =>
    spool.poll(agent, { limit, wait, ...(lease !== undefined && { leaseSeconds: lease }), ...(signal && { signal }) }),
  );
  if (wait && options.json) for (const each of received) printLine(JSON.stringify(documentOf(each)));
  else printResult({ agent, messages: received.map(documentOf) }, options, () => describe(agent, received));
  if (signal?.aborted && received.length === 0) process.exitCode = INTERRUPTED_EXIT;
}

function documentOf({ message, attempt, maxAttempts, token, leasedUntil }: Received) {
  return { message, attempt, max_attempts: maxAttempts, token, leased_until: new Date(leasedUntil).toISOString() };
}

function describe(agent: string, received: readonly Received[]): string {
  if (received.length === 0) return `No messages for ${agent}.`;
  return [
    `Found ${received.length} message(s) for ${agent}:`,
    ...received.map(({ message, attempt, maxAttempts, leasedUntil }) =>
      describeMessage(message, {
        'Lease until': localTime(leasedUntil),
        ...(attempt > 1 && { Attempt: `${attempt} of ${maxAttempts}` }),
      }),
    ),
    mark('faint', `When one is done: parley ack <ID> ${agent}`),
  ].join('\n\n');
}
