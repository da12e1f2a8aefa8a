/*
 * How fast the HTTP relay is: npm run bench:relay, or node bench/relay.ts with
 *
 *     --runs 5    of each measurement; the median counts
 *     --ms 1000   how long one takes
 *     --json      for programs
 *
 * Beside a bare Fastify server that writes one row for each request, measured in turns. The servers and their clients have
 * processes of their own.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { BESIDE_COLUMNS, besideRow } from './beside.ts';
import { receive, startChild } from './child.ts';
import { DOCUMENT_BYTES } from './document.ts';
import { inFolder } from './folder.ts';
import { describeMachine } from './machine.ts';
import { type Done, doneSchema, serverReadySchema, type Told, usageSchema } from './relay/protocol.ts';
import { formatReport, formatSettings, type Report, type Table } from './report.ts';
import { median } from './statistics.ts';
import type { Effort } from './throughput.ts';

const NAMES = { send: 'sends accepted', cycle: 'send → poll → ack cycles' };

/** How many were done, how fast, and what one cost the server. */
type Measured = Done & { readonly cpuMs: number };

/** A server and its client. */
interface Side {
  readonly server: ChildProcess;
  readonly client: ChildProcess;
}

async function open(which: 'relay' | 'bare', folder: string): Promise<Side> {
  const server = startChild('relay/server-child.ts', which, folder);
  const { url, secrets } = await receive(server, serverReadySchema);
  const client = startChild('relay/client-child.ts', url, ...secrets);
  await receive(client, z.literal('ready'));
  return { server, client };
}

async function close({ client, server }: Side): Promise<void> {
  for (const child of [client, server]) {
    const exited = once(child, 'exit');
    child.disconnect();
    await exited;
  }
}

async function cpuMsOf(server: ChildProcess): Promise<number> {
  const usage = receive(server, usageSchema);
  server.send('usage');
  return (await usage).cpuMs;
}

async function measure({ server, client }: Side, told: Told): Promise<Measured> {
  const before = await cpuMsOf(server);
  const done = receive(client, doneSchema);
  client.send(told);
  const figures = await done;
  return { ...figures, cpuMs: ((await cpuMsOf(server)) - before) / figures.count };
}

/** The rows of one kind of work. */
async function rowsOf(
  kind: Omit<Told, 'ms'>,
  [bare, relay]: readonly [Side, Side],
  { runs, ms }: Effort,
): Promise<Table['rows']> {
  for (const side of [bare, relay]) await measure(side, { ...kind, ms: ms / 5 });
  const measured: { readonly theirs: Measured; readonly ours: Measured }[] = [];
  for (let run = 0; run < runs; run++)
    measured.push({ theirs: await measure(bare, { ...kind, ms }), ours: await measure(relay, { ...kind, ms }) });
  const row = (name: string, of: (one: Measured) => number) =>
    besideRow(name, median(measured.map(({ theirs }) => of(theirs))), median(measured.map(({ ours }) => of(ours))));
  return [
    row(`${kind.inFlight} in flight: ${NAMES[kind.work]} a second`, ({ perSecond }) => perSecond),
    row('  p50 ms', ({ p50 }) => p50),
    row('  p99 ms', ({ p99 }) => p99),
    row('  µs of the server’s processor for each', ({ cpuMs }) => cpuMs * 1000),
  ];
}

async function measureAll(effort: Effort): Promise<Report> {
  return inFolder((relayFolder) =>
    inFolder(async (bareFolder) => {
      const sides = [await open('bare', bareFolder), await open('relay', relayFolder)] as const;
      const rows: Table['rows'][number][] = [];
      // Cycles leave the mailboxes empty; what sends leave in them is in nobody's way after that.
      for (const work of ['cycle', 'send'] as const)
        for (const inFlight of [1, 64]) rows.push(...(await rowsOf({ work, inFlight }, sides, effort)));
      for (const side of sides) await close(side);
      return {
        title: 'The HTTP relay',
        settings: {
          durability: 'both: an answered send is fsynced, synchronous=FULL',
          bare: 'Fastify and better-sqlite3, WAL; one row and one transaction a request; no signatures, no nonces, no checks',
          messages: `a document of ${DOCUMENT_BYTES} bytes in a MessageV2; both get the same requests, signed`,
          measured: `medians of ${effort.runs} interleaved runs of ${effort.ms} ms each, after ${effort.ms / 5} ms to warm up`,
        },
        table: { columns: BESIDE_COLUMNS('bare', 'relay'), rows },
        verdicts: [],
      };
    }),
  );
}

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    ms: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
});
const machine = describeMachine();
const report = await measureAll({ runs: Number(options.runs), ms: Number(options.ms) });
if (options.json) console.log(JSON.stringify({ machine, reports: [report] }, null, 2));
else console.log([...formatSettings(machine), '', formatReport(report)].join('\n'));
