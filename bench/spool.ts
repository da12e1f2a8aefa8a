/*
 * How fast the spool is: `npm run bench`, or node bench/spool.ts with
 *
 *     (nothing)    send → claim → ack beside a bare SQLite loop
 *     --peers      the same beside other queues; see bench/peers
 *     --backlog    the same beside a thousand and a million other deliveries
 *     --processes  four processes on one file
 *     --wake       how soon another process has a message, and what waiting costs
 *     --quick      shorter runs, a smaller backlog: to see that it works, not to quote
 *     --json       for programs
 */
import { parseArgs } from 'node:util';
import { backlog } from './backlog.ts';
import { describeMachine } from './machine.ts';
import { openPeers } from './peers.ts';
import { processes } from './processes.ts';
import { formatReport, formatSettings, type Report } from './report.ts';
import { type Effort, throughput } from './throughput.ts';
import { wake } from './wake.ts';

const { values: options } = parseArgs({
  options: {
    peers: { type: 'boolean', default: false },
    backlog: { type: 'boolean', default: false },
    processes: { type: 'boolean', default: false },
    wake: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    runs: { type: 'string' },
    ms: { type: 'string' },
  },
});

const standard: Effort = options.quick ? { runs: 3, ms: 200 } : { runs: 5, ms: 1000 };
const effort: Effort = { runs: Number(options.runs ?? standard.runs), ms: Number(options.ms ?? standard.ms) };

async function besidePeers(): Promise<Report> {
  await using peers = await openPeers();
  // Awaited here: the servers stop when this block is left.
  return await throughput(peers.contenders, effort);
}

const parts: (() => Promise<Report>)[] = [];
if (options.backlog) parts.push(() => backlog(options.quick ? 20_000 : 1_000_000, effort));
if (options.processes) parts.push(() => processes(effort));
if (options.wake) parts.push(() => wake(effort));
if (options.peers) parts.push(besidePeers);
else if (parts.length === 0) parts.push(() => throughput([], effort));

const machine = describeMachine();
if (!options.json) console.log(`${formatSettings(machine).join('\n')}\n`);
const reports: Report[] = [];
for (const part of parts) {
  const report = await part();
  reports.push(report);
  if (!options.json) console.log(formatReport(report));
}
if (options.json) console.log(JSON.stringify({ machine, reports }, null, 2));
