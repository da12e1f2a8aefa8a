import { COLUMN_NAMES, COLUMNS, type Column, type Contender, type Durability, type Scenario } from './contender.ts';
import { parley, parleyOff, parleyProcess } from './contenders/parley.ts';
import { rawInsert, sqliteLoops } from './contenders/sqlite.ts';
import { DOCUMENT_BYTES } from './document.ts';
import { inFolder } from './folder.ts';
import { atLeastTimes, type Report, type Verdict } from './report.ts';
import { median } from './statistics.ts';

export interface Effort {
  /** How often everything is measured; the median counts. */
  readonly runs: number;
  /** How long one measurement takes, in milliseconds, after a fifth of that to warm up. */
  readonly ms: number;
}

type Rates = Partial<Record<Column, number>>;

const OURS: readonly Contender[] = [parley, parleyProcess, parleyOff, ...sqliteLoops, rawInsert];

/** Cycles a second of one kind of work. */
export async function rateOf(scenario: Scenario, ms: number): Promise<number> {
  await scenario(endsIn(ms / 5));
  const start = performance.now();
  const cycles = await scenario(endsIn(ms));
  return (cycles * 1000) / (performance.now() - start);
}

function endsIn(ms: number): () => boolean {
  const end = performance.now() + ms;
  return () => performance.now() >= end;
}

async function measure(contender: Contender, ms: number): Promise<Rates> {
  return inFolder(async (folder) => {
    const { scenarios, close } = await contender.open(folder);
    try {
      const rates: Rates = {};
      for (const column of COLUMN_NAMES) {
        const scenario = scenarios[column];
        if (scenario) rates[column] = await rateOf(scenario, ms);
      }
      return rates;
    } finally {
      await close();
    }
  });
}

/** send → claim → ack, beside others. The runs are interleaved, so that whatever else the machine does falls on everybody. */
export async function throughput(peers: readonly Contender[], { runs, ms }: Effort): Promise<Report> {
  const contenders = [...OURS, ...peers];
  const measured = new Map<Contender, Rates[]>(contenders.map((contender) => [contender, []]));
  for (let run = 0; run < runs; run++)
    for (const contender of contenders) measured.get(contender)?.push(await measure(contender, ms));
  const rate = (contender: Contender, column: Column): number | null => {
    const rates = (measured.get(contender) ?? []).flatMap((rates) => rates[column] ?? []);
    return rates.length === 0 ? null : median(rates);
  };
  return {
    title: 'send → claim → ack, cycles a second',
    settings: {
      durability: 'what an acknowledged send survives stands in each row',
      ...Object.fromEntries(contenders.map(({ name, settings }) => [name, settings])),
      messages: `${DOCUMENT_BYTES} bytes of JSON`,
      measured: `medians of ${runs} interleaved runs of ${ms} ms each`,
    },
    table: {
      columns: ['survives', ...COLUMN_NAMES.map((column) => COLUMNS[column])],
      rows: contenders.map((contender) => ({
        name: contender.name,
        cells: [contender.durability, ...COLUMN_NAMES.map((column) => rate(contender, column))],
      })),
    },
    verdicts: verdicts(peers, (contender, column) => rate(contender, column) ?? Number.NaN),
  };
}

function verdicts(peers: readonly Contender[], rate: (contender: Contender, column: Column) => number): Verdict[] {
  const fsynced: Durability = 'power failure';
  const beside = peers.flatMap((peer) => {
    const least = peer.durability === fsynced ? 5 : 3;
    const inFlight = atLeastTimes(
      `1. 64 in flight, of ${peer.name}`,
      least,
      rate(parley, 'inFlight'),
      rate(peer, 'inFlight'),
    );
    if (peer.name !== 'plainjob') return [inFlight];
    const single = rate(peer, 'single');
    return [inFlight, atLeastTimes(`2. durability "process", of plainjob`, 1, rate(parleyProcess, 'waiting'), single)];
  });
  return [
    atLeastTimes('1. 64 in flight, of sync off', 0.7, rate(parley, 'inFlight'), rate(parleyOff, 'inFlight')),
    atLeastTimes(
      '2. with a waiting consumer, of a raw insert',
      0.7,
      rate(parley, 'waiting'),
      rate(rawInsert, 'single'),
    ),
    ...beside,
  ];
}
