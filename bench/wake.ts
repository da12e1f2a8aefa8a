import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { receive, startChild } from './child.ts';
import { messageWith, openSpool } from './contenders/parley.ts';
import { documents } from './document.ts';
import { inFolder } from './folder.ts';
import { atMost, type Report } from './report.ts';
import { quantile } from './statistics.ts';
import type { Effort } from './throughput.ts';

/** The pause between two sends, in milliseconds: long enough for both processes to be asleep again. */
const PAUSE_MS = { least: 4, most: 24 };

const idleSchema = z.object({ idleCpuPercent: z.number() });
const receivedSchema = z.object({ receivedAt: z.number() });

/** Milliseconds of the one monotonic clock that all processes of a machine share. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Target 4: how soon a consumer in another process has a message, and what its waiting costs. */
export async function wake({ runs, ms }: Effort): Promise<Report> {
  const { idleCpuPercent, latencies } = await inFolder(async (folder) => {
    const path = join(folder, 'spool.db');
    const { spool, close } = openSpool(path);
    const child = startChild('wake-child.ts', path, String(2 * ms));
    const { idleCpuPercent } = await receive(child, idleSchema);
    const latencies: number[] = [];
    const source = documents();
    for (const end = performance.now() + runs * ms; performance.now() < end; ) {
      await wait(PAUSE_MS.least + Math.random() * (PAUSE_MS.most - PAUSE_MS.least));
      const received = receive(child, receivedSchema);
      const sentAt = monotonicMs();
      await spool.send([messageWith(source.next().value)]);
      latencies.push((await received).receivedAt - sentAt);
    }
    const exited = once(child, 'exit');
    child.disconnect();
    await exited;
    await close();
    return { idleCpuPercent, latencies };
  });
  const p50 = quantile(latencies, 0.5);
  const p99 = quantile(latencies, 0.99);
  return {
    title: 'From the call of send to a waiting claim in another process',
    settings: {
      durability: 'sends commit at synchronous=FULL, claims and plain acks at NORMAL',
      measured: `${latencies.length} sends, ${PAUSE_MS.least} to ${PAUSE_MS.most} ms apart; idle over ${2 * ms} ms`,
    },
    table: {
      columns: ['p50 ms', 'p99 ms', 'max ms', 'idle CPU %'],
      rows: [{ name: 'Parley', cells: [p50, p99, quantile(latencies, 1), idleCpuPercent] }],
    },
    verdicts: [
      atMost('4. p50', 1.3, p50, 'ms'),
      atMost('4. p99', 3, p99, 'ms'),
      atMost('4. idle CPU', 0.1, idleCpuPercent, '%'),
    ],
  };
}
