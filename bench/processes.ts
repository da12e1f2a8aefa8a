import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';
import { receive, startChild } from './child.ts';
import { inFolder } from './folder.ts';
import { atMost, type Report, type Verdict } from './report.ts';
import { quantile } from './statistics.ts';
import type { Effort } from './throughput.ts';

const PROCESSES = 4;
const CONCURRENCIES = [1, 16] as const;

const resultSchema = z.object({
  cycles: z.number(),
  errors: z.number(),
  /** How long each call took, in milliseconds. */
  calls: z.array(z.number()),
});
type Result = z.infer<typeof resultSchema>;

interface Figures {
  readonly cyclesPerSecond: number;
  readonly fairness: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly errors: number;
}

async function together(concurrency: number, ms: number): Promise<Figures> {
  return inFolder(async (folder) => {
    const path = join(folder, 'spool.db');
    const children = Array.from({ length: PROCESSES }, (_, number) =>
      startChild('processes-child.ts', path, String(number), String(concurrency)),
    );
    await Promise.all(children.map((child) => receive(child, z.literal('ready'))));
    const results = children.map(async (child): Promise<Result> => {
      const exited = once(child, 'exit');
      child.send(ms);
      const result = await receive(child, resultSchema);
      await exited;
      return result;
    });
    return figuresOf(await Promise.all(results), ms);
  });
}

function figuresOf(results: readonly Result[], ms: number): Figures {
  const cycles = results.map((result) => result.cycles);
  const calls = results.flatMap((result) => result.calls);
  return {
    cyclesPerSecond: (cycles.reduce((sum, count) => sum + count, 0) * 1000) / ms,
    fairness: Math.min(...cycles) / Math.max(...cycles),
    p50: quantile(calls, 0.5),
    p99: quantile(calls, 0.99),
    max: quantile(calls, 1),
    errors: results.reduce((sum, result) => sum + result.errors, 0),
  };
}

/** Target 5: processes that share a file each get their share, soon, and none sees an error. */
export async function processes({ runs, ms }: Effort): Promise<Report> {
  const rows: { readonly name: string; readonly figures: Figures }[] = [];
  for (const concurrency of CONCURRENCIES)
    rows.push({ name: `${concurrency} in flight in each`, figures: await together(concurrency, runs * ms) });
  return {
    title: `${PROCESSES} processes on one file, each send → claim → ack in a mailbox of its own`,
    settings: {
      durability: 'sends commit at synchronous=FULL, claims and plain acks at NORMAL',
      measured: `one run of ${runs * ms} ms; a call is a send, a claim or a settle`,
    },
    table: {
      columns: ['cycles/s in all', 'fairness (least ÷ most)', 'p50 ms', 'p99 ms', 'max ms', 'errors'],
      rows: rows.map(({ name, figures: { cyclesPerSecond, fairness, p50, p99, max, errors } }) => ({
        name,
        cells: [cyclesPerSecond, fairness, p50, p99, max, errors],
      })),
    },
    verdicts: rows.flatMap(({ name, figures }) => verdicts(name, figures)),
  };
}

function verdicts(name: string, { fairness, max, errors }: Figures): Verdict[] {
  return [
    { target: `5. ${name}: fairness ≥ 0.8`, figure: fairness.toFixed(2), met: fairness >= 0.8 },
    atMost(`5. ${name}: the longest call`, 50, max, 'ms'),
    { target: `5. ${name}: no errors`, figure: String(errors), met: errors === 0 },
  ];
}
