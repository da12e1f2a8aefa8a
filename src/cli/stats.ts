import type { Metric } from '../daemon/open-spool.ts';
import { ParleyError } from '../domain/errors.ts';
import type { SpoolOptions } from './options.ts';
import { printDocument } from './output.ts';
import { withSpool } from './with-spool.ts';

export interface StatsOptions extends SpoolOptions {
  readonly verify?: boolean;
}

/**
 * `parley stats`: standard output is JSON, as the implementation guide has it. What it means comes, for people, on standard
 * error. Throws DATABASE_CORRUPT when it was to verify the database and found it unsound.
 */
export async function stats(options: StatsOptions): Promise<void> {
  const { verify = false, json = false } = options;
  const { counts, metrics, verified } = await withSpool(options, (spool) => ({
    counts: spool.stats(),
    metrics: spool.metrics(),
    verified: verify ? spool.verify() : null,
  }));
  const document = { ...counts, ...(verified && { verified }) };
  printDocument(json ? { ...document, metrics } : document);
  if (!json) for (const metric of metrics) printNote(describe(metric));
  if (verified?.ok === false) throw new ParleyError('DATABASE_CORRUPT', `The database is unsound: ${verified.detail}`);
  if (verified && !json) printNote('The database is sound.');
}

const printNote = (text: string): void => void process.stderr.write(`${text}\n`);

function describe({ name, value, unit, threshold, alert, advice }: Metric): string {
  const amount = `${name}: ${Number(value.toFixed(2))} ${unit}`;
  return alert ? `${amount}: ALERT, more than ${threshold} ${unit}. ${advice}` : `${amount} (alert above ${threshold})`;
}
