/*
 * What many connected agents cost, and how fast the hub is between them: npm run bench:hub, or node bench/hub.ts with
 *
 *     --connections 10000
 *     --runs 5       of each measurement; the median counts
 *     --ms 1000      how long one takes
 *     --json         for programs
 *
 * Everything stands beside a bare relay on the same library, measured in turns. Each server and its agents have processes of their own,
 * and each of these needs as many file descriptors as there are connections: ulimit -n. It runs on Linux, where the agents come
 * from many addresses of the loopback network.
 */
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { BESIDE_COLUMNS, besideRow } from './beside.ts';
import { receive, startChild } from './child.ts';
import {
  clientReadySchema,
  type Done,
  doneSchema,
  serverReadySchema,
  type Usage,
  usageSchema,
  type Work,
} from './hub/protocol.ts';
import { describeMachine } from './machine.ts';
import { atLeastTimes, atMost, formatReport, formatSettings, type Report } from './report.ts';
import { median } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '5' },
    ms: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
});
const connections = Number(options.connections);
const runs = Number(options.runs);
const ms = Number(options.ms);

/** The agents that do something: enough of them that none sends more than the hub lets it. */
const ACTIVE = Math.min(1000, Math.ceil(connections / 2));
const KIB = 1024;

/** A server and its agents. */
interface Side {
  readonly server: ChildProcess;
  readonly agents: ChildProcess;
  /** How long it took all of them to connect. */
  readonly seconds: number;
  readonly perConnection: { readonly heapKib: number; readonly rssKib: number };
  readonly done: Record<Work, (Done & { readonly cpuMicroseconds: number })[]>;
}

async function usageOf(server: ChildProcess, told: 'collect' | 'leave'): Promise<Usage> {
  const usage = receive(server, usageSchema);
  server.send(told);
  return await usage;
}

async function open(which: 'hub' | 'bare'): Promise<Side> {
  const server = startChild('hub/server-child.ts', which, String(connections));
  const { url } = await receive(server, serverReadySchema);
  const before = await usageOf(server, 'collect');
  const agents = startChild('hub/client-child.ts', url, String(connections - ACTIVE), String(ACTIVE));
  const { seconds } = await receive(agents, clientReadySchema);
  const after = await usageOf(server, 'collect');
  const perConnection = {
    heapKib: (after.heapBytes - before.heapBytes) / connections / KIB,
    rssKib: (after.rssBytes - before.rssBytes) / connections / KIB,
  };
  return { server, agents, seconds, perConnection, done: { frames: [], frame: [], task: [] } };
}

async function measure({ server, agents, done }: Side, work: Work): Promise<void> {
  const before = await usageOf(server, 'collect');
  const result = receive(agents, doneSchema);
  agents.send({ work, ms });
  const measured = await result;
  const { cpuMs } = await usageOf(server, 'leave');
  done[work].push({
    ...measured,
    cpuMicroseconds: ((cpuMs - before.cpuMs) * 1000) / ((measured.perSecond * ms) / 1000),
  });
}

function figure({ done }: Side, work: Work, what: keyof Side['done'][Work][number]): number {
  return median(done[work].map((measured) => measured[what]));
}

const machine = describeMachine();
if (!options.json) console.log(`${formatSettings(machine).join('\n')}\n`);
const sides = [await open('bare'), await open('hub')] as const;
for (let run = 0; run < runs; run++)
  for (const work of ['frames', 'frame', 'task'] as const) for (const side of sides) await measure(side, work);
for (const { server, agents } of sides) for (const child of [agents, server]) child.disconnect();

const [bare, hub] = sides;
const row = (name: string, of: (side: Side) => number) => besideRow(name, of(bare), of(hub));
const heapBeyond = hub.perConnection.heapKib - bare.perConnection.heapKib;
const report: Report = {
  title: `${connections} agents on one server, ${ACTIVE} of them active`,
  settings: {
    durability: 'none: nothing waits, frames are passed on',
    'bare ws relay': 'node:http and ws, a Map of names; no secret, no checks, no limits, no presence',
    frames: 'agent-message of 513 bytes of JSON; tasks by POST /task, answered by the agent',
    measured: `medians of ${runs} interleaved runs of ${ms} ms each; memory after a garbage collection`,
  },
  table: {
    columns: BESIDE_COLUMNS('bare ws relay', 'Parley hub'),
    rows: [
      row('heap per connection, KiB', ({ perConnection }) => perConnection.heapKib),
      row('RSS per connection, KiB', ({ perConnection }) => perConnection.rssKib),
      row('until all were there, s', ({ seconds }) => seconds),
      row('64 in flight: frames/s', (side) => figure(side, 'frames', 'perSecond')),
      row('  p50 ms', (side) => figure(side, 'frames', 'p50')),
      row('  p99 ms', (side) => figure(side, 'frames', 'p99')),
      row('  µs of the server’s processor a frame', (side) => figure(side, 'frames', 'cpuMicroseconds')),
      row('one at a time: frames/s', (side) => figure(side, 'frame', 'perSecond')),
      row('  p50 ms', (side) => figure(side, 'frame', 'p50')),
      row('  p99 ms', (side) => figure(side, 'frame', 'p99')),
      row('tasks by HTTP, one at a time: tasks/s', (side) => figure(side, 'task', 'perSecond')),
      row('  p50 ms', (side) => figure(side, 'task', 'p50')),
      row('  p99 ms', (side) => figure(side, 'task', 'p99')),
    ],
  },
  verdicts: [
    atMost('7. heap per connection beyond that of the bare relay', 10, heapBeyond, 'KiB'),
    atLeastTimes(
      '7. relayed frames, of the bare relay',
      0.7,
      figure(hub, 'frames', 'perSecond'),
      figure(bare, 'frames', 'perSecond'),
    ),
  ],
};
console.log(options.json ? JSON.stringify({ machine, reports: [report] }, null, 2) : formatReport(report));
