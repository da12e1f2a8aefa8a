/*
 * A process that works on a spool until it is told to stop, or killed: `node spool-load.ts <role> <database> <name> <log>`.
 * It prints a line as soon as it can be told.
 *
 * producer  sends messages, and notes each in its log once the spool has accepted it.
 * consumer  handles them: an effect that nothing but the spool's transaction keeps from happening twice, and an output.
 * writer    sends, claims and settles on its own mailbox, and notes how long each call took.
 */
import { openSync, writeSync } from 'node:fs';
import { agentAddress, agentId, conversationId, messageId } from '../../src/domain/addresses.ts';
import type { NewMessage } from '../../src/domain/message.ts';
import { startTrace } from '../../src/domain/trace.ts';
import type { Tx } from '../../src/domain/write.ts';
import { sleep, systemClock } from '../../src/lib/clock.ts';
import { deriveId } from '../../src/lib/ids.ts';
import { Database, databaseOf } from '../../src/spool/sqlite/database.ts';
import { SqliteSpool } from '../../src/spool/sqlite/sqlite-spool.ts';

const LEASE_MS = 5_000;
const PAUSE_MS = 4;
/** Being killed is no fault of the message. */
const MANY_ATTEMPTS = 1_000;

const work = agentAddress(agentId('work'));
const done = agentAddress(agentId('done'));

const [role = '', path = '', name = '', log = ''] = process.argv.slice(2);
const db = new Database(path);
const spool = new SqliteSpool(db);
const file = openSync(log, 'a');
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
// Its input ends with the process that started it: nothing is left behind by a test that was killed.
process.stdin.on('end', () => process.exit(1)).resume();
process.stdout.write('ready\n');

function message(id: string, to: typeof work): NewMessage {
  const known = messageId(id);
  const deliveries = [{ to, maxAttempts: MANY_ATTEMPTS }];
  return {
    id: known,
    from: agentAddress(agentId(name)),
    deliveries,
    conversation: conversationId('load'),
    payload: { type: 'text', data: {} },
    trace: startTrace(known, null),
  };
}

async function produce(): Promise<void> {
  for (let n = 0; !stop.signal.aborted; n++) {
    const id = `${name}-${n}`;
    await spool.send([message(id, work)]);
    writeSync(file, `${id}\n`);
    // Slower than the consumers, so that the end does not wait for a mountain of work.
    await sleep(systemClock, PAUSE_MS, stop.signal);
  }
}

async function consume(): Promise<void> {
  await spool.recover();
  while (!stop.signal.aborted) {
    const [delivery] = await spool.claim(work, { leaseMs: LEASE_MS, wait: true }, stop.signal);
    if (!delivery) return;
    const { id } = delivery.message;
    const effect = (tx: Tx): void => void databaseOf(tx).prepare('INSERT INTO effect (message) VALUES (?)').run(id);
    const output = message(deriveId('msg', id, 'output'), done);
    await spool.settle(delivery.lease, { kind: 'ack', outputs: [output], also: [effect] }).catch((error: unknown) => {
      // The lease ran out on a machine under load: somebody else does it.
      if (!(error instanceof Error && 'code' in error && error.code === 'LEASE_LOST')) throw error;
    });
  }
}

async function write(): Promise<void> {
  const own = agentAddress(agentId(name));
  let cycles = 0;
  let slowestMs = 0;
  const timed = async <T>(call: Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await call;
    slowestMs = Math.max(slowestMs, performance.now() - start);
    return result;
  };
  while (!stop.signal.aborted) {
    await timed(spool.send([message(`${name}-${cycles}`, own)]));
    const [delivery] = await timed(spool.claim(own, { leaseMs: 60_000 }));
    if (!delivery) throw new Error('what was sent could not be claimed');
    await timed(spool.settle(delivery.lease, { kind: 'ack' }));
    cycles++;
  }
  writeSync(file, `${JSON.stringify({ cycles, slowestMs: Math.round(slowestMs) })}\n`);
}

const roles: Readonly<Record<string, () => Promise<void>>> = { producer: produce, consumer: consume, writer: write };
const run = roles[role];
if (!run) throw new Error(`there is no role ${role}`);
await run();
await spool.close();
await db.close();
process.stdin.destroy();
