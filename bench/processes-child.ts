/* One of the processes of processes.ts: file, number, how many in flight. It is told how long to work, and tells what it did. */
import { once } from 'node:events';
import { agentAddress, agentId } from '../src/domain/addresses.ts';
import { messageWith, openSpool } from './contenders/parley.ts';
import { documents } from './document.ts';

const [path = '', number = '0', concurrency = '1'] = process.argv.slice(2);
const mailbox = agentAddress(agentId(`worker-${number}`));
const { spool, close } = openSpool(path);
const source = documents();
const calls: number[] = [];
let cycles = 0;
let errors = 0;

async function timed<T>(call: Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await call;
  } finally {
    calls.push(performance.now() - start);
  }
}

async function work(end: number): Promise<void> {
  while (performance.now() < end) {
    try {
      await timed(spool.send([messageWith(source.next().value, { deliveries: [{ to: mailbox }] })]));
      const deliveries = await timed(spool.claim(mailbox));
      for (const { lease } of deliveries) await timed(spool.settle(lease, { kind: 'ack' }));
      cycles += deliveries.length;
    } catch {
      errors++;
    }
  }
}

process.send?.('ready');
const [ms] = await once(process, 'message');
const end = performance.now() + Number(ms);
await Promise.all(Array.from({ length: Number(concurrency) }, () => work(end)));
await close();
// Not before it is sent: a long list takes a while.
process.send?.({ cycles, errors, calls }, () => process.disconnect?.());
