import type { DeliveryState } from '../daemon/open-spool.ts';
import { ParleyError } from '../domain/errors.ts';
import { describeMessage } from './messages.ts';
import type { SpoolOptions } from './options.ts';
import { isoTime, localTime, mark, oneLine, printResult } from './output.ts';
import { withSpool } from './with-spool.ts';

const MARKS = {
  queued: 'strong',
  blocked: 'strong',
  leased: 'strong',
  acked: 'good',
  failed: 'bad',
  expired: 'doubtful',
} as const;

/** `parley status`: what has become of a message. Throws MESSAGE_INVALID when nobody has sent it. */
export async function status(id: string, options: SpoolOptions): Promise<void> {
  const found = await withSpool(options, (spool) => spool.status(id));
  if (!found)
    throw new ParleyError('MESSAGE_INVALID', `There is no message '${oneLine(id)}'.`, {
      hint: 'Look for it: parley conversations, or parley search <text>.',
    });
  printResult({ message: found.message, deliveries: found.deliveries.map(documentOf) }, options, () =>
    [describeMessage(found.message), '', 'Deliveries:', ...found.deliveries.map(describe)].join('\n'),
  );
}

function documentOf({ to, status, attempts, maxAttempts, reason, leasedUntil }: DeliveryState) {
  return {
    to,
    status,
    attempts,
    max_attempts: maxAttempts,
    reason,
    leased_until: leasedUntil === null ? null : isoTime(leasedUntil),
  };
}

function describe({ to, status, attempts, maxAttempts, reason, leasedUntil }: DeliveryState): string {
  const until = leasedUntil === null ? '' : ` until ${localTime(leasedUntil)}`;
  const why = reason === null ? '' : `: ${oneLine(reason)}`;
  return `  ${to} [${mark(MARKS[status], status)}]${until} attempt ${attempts} of ${maxAttempts}${why}`;
}
