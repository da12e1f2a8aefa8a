import { join } from 'node:path';
import { State } from '../src/spool/sqlite/states.ts';
import { IN_FLIGHT, type Scenario } from './contender.ts';
import { messageWith, type OpenSpool, openSpool, RECIPIENT } from './contenders/parley.ts';
import { documents } from './document.ts';
import { inFolder } from './folder.ts';
import { atLeastTimes, type Report } from './report.ts';
import { median } from './statistics.ts';
import { type Effort, rateOf } from './throughput.ts';

const FEW = 1000;
/** Far enough away that nothing comes due while we measure. */
const LATER_MS = 24 * 60 * 60 * 1000;

const KINDS = [
  { name: 'queued', state: State.ready, due: false },
  { name: 'settled', state: State.acked, due: false },
  { name: 'delayed', state: State.scheduled, due: true },
  { name: 'in flight', state: State.leased, due: true },
] as const;
type Kind = (typeof KINDS)[number];

/** A spool with many deliveries in one state, in the mailbox that is measured. Written as SQL: through the spool a million takes a minute. */
async function openWith(path: string, { state, due }: Kind, count: number): Promise<OpenSpool> {
  const filling = openSpool(path, 'none');
  const message = messageWith(documents().next().value);
  const now = Date.now();
  await filling.db.write(() => {
    filling.db
      .prepare(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO message (seq, id, sender, conversation, subject, body, payload_type, payload, priority, root, trace, accepted_at)
         SELECT i, printf('msg_%026d', i), ?, 'conv-' || i % 1000, '', '', 'task', ?, 2, printf('msg_%026d', i), ?, ? FROM n`,
      )
      .run(count, RECIPIENT, JSON.stringify(message.payload.data), JSON.stringify(message.trace), now);
    filling.db
      .prepare(
        `INSERT INTO delivery (seq, message, recipient, priority, state, attempts, max_attempts, due_at, token, settled_at)
         SELECT seq, seq, ?, priority, ?, 0, 3, ?, NULL, NULL FROM message`,
      )
      .run(RECIPIENT, state, due ? now + LATER_MS : null);
  });
  await filling.close();
  return openSpool(path);
}

/** 64 in flight, in a mailbox whose backlog neither grows nor shrinks. */
function cyclesBeside({ spool }: OpenSpool): Scenario {
  const source = documents();
  return async (ended) => {
    let cycles = 0;
    const loop = async (): Promise<void> => {
      for (; !ended(); cycles++) {
        await spool.send([messageWith(source.next().value)]);
        const deliveries = await spool.claim(RECIPIENT);
        await Promise.all(deliveries.map(({ lease }) => spool.settle(lease, { kind: 'ack' })));
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
    return cycles;
  };
}

async function compare(kind: Kind, many: number, { runs, ms }: Effort): Promise<{ few: number; many: number }> {
  return inFolder(async (folder) => {
    const spools = {
      few: await openWith(join(folder, 'few.db'), kind, FEW),
      many: await openWith(join(folder, 'many.db'), kind, many),
    };
    const rates = { few: [] as number[], many: [] as number[] };
    for (let run = 0; run < runs; run++)
      for (const size of ['few', 'many'] as const) rates[size].push(await rateOf(cyclesBeside(spools[size]), ms));
    await spools.few.close();
    await spools.many.close();
    return { few: median(rates.few), many: median(rates.many) };
  });
}

/** Target 3: what lies in the spool does not slow down what goes through it. */
export async function backlog(many: number, effort: Effort): Promise<Report> {
  const figures = [];
  for (const kind of KINDS) figures.push({ name: kind.name, ...(await compare(kind, many, effort)) });
  return {
    title: `send → claim → ack, cycles a second with ${IN_FLIGHT} in flight, beside deliveries in one state in the same mailbox`,
    settings: {
      durability: 'sends commit at synchronous=FULL, claims and plain acks at NORMAL',
      measured: `medians of ${effort.runs} interleaved runs of ${effort.ms} ms each`,
    },
    table: {
      columns: [`beside ${FEW}`, `beside ${many}`],
      rows: figures.map(({ name, few, many }) => ({ name, cells: [few, many] })),
    },
    verdicts: figures.map(({ name, few, many: rate }) =>
      atLeastTimes(`3. beside ${many} ${name}, of ${FEW}`, 0.9, rate, few),
    ),
  };
}
