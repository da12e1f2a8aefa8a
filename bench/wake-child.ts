/* The consumer of wake.ts: file, for how long to measure what waiting costs. It tells when it received each message. */
import { setTimeout as wait } from 'node:timers/promises';
import { openSpool, RECIPIENT } from './contenders/parley.ts';
import { monotonicMs } from './wake.ts';

const [path = '', idleMs = '0'] = process.argv.slice(2);
const { spool, close } = openSpool(path);
const stop = new AbortController();
process.once('disconnect', () => stop.abort());

async function consume(): Promise<void> {
  while (!stop.signal.aborted) {
    const deliveries = await spool.claim(RECIPIENT, { wait: true }, stop.signal);
    const receivedAt = monotonicMs();
    for (const { lease } of deliveries) {
      process.send?.({ receivedAt });
      await spool.settle(lease, { kind: 'ack' });
    }
  }
}

const consuming = consume();
// Starting is not idling: modules are compiled and garbage is collected for a while.
await wait(Number(idleMs));
const before = process.cpuUsage();
await wait(Number(idleMs));
const { user, system } = process.cpuUsage(before);
process.send?.({ idleCpuPercent: (user + system) / 10 / Number(idleMs) });
await consuming;
await close();
