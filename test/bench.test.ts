import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const run = promisify(execFile);

const output = z.object({
  reports: z.array(
    z.object({
      table: z.object({ rows: z.array(z.object({ name: z.string() })) }),
      verdicts: z.array(z.object({ target: z.string(), met: z.boolean() })),
    }),
  ),
});

/** The benchmark at its shortest: the figures mean nothing, but all of it runs. */
const bench = (...options: readonly string[]): Promise<string> => benchOf('spool', ...options);

async function benchOf(what: string, ...options: readonly string[]): Promise<string> {
  return await runBench(what, '--ms', '10', ...options);
}

async function runBench(what: string, ...options: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [`bench/${what}.ts`, '--runs', '1', ...options]);
  return stdout;
}

describe('the benchmark of the spool', () => {
  it('[SPL-06] says how durable each row is, and judges the targets', async () => {
    const printed = await bench();
    expect(printed).toMatch(/^versions +Node .*SQLite/m);
    const figures = '( +[\\d,.]+){4}';
    expect(printed).toMatch(new RegExp(`^Parley +power failure${figures}$`, 'm'));
    expect(printed).toMatch(new RegExp(`^Parley, durability "process" +process crash${figures}$`, 'm'));
    expect(printed).toMatch(new RegExp(`^Parley, sync off +nothing${figures}$`, 'm'));
    expect(printed).toMatch(/^better-sqlite3 loop, FULL +power failure/m);
    expect(printed).toMatch(/^better-sqlite3 loop, NORMAL +process crash/m);
    expect(printed).toMatch(/^raw insert, FULL +power failure/m);
    expect(printed.match(/^(met|MISSED) +[12]\. .*: \S+×$/gm)).toHaveLength(2);
  });

  it('[SPL-03] [SPL-09] has parts on processes that share a file and on waking, and none sees an error', async () => {
    const { reports } = output.parse(JSON.parse(await bench('--processes', '--wake', '--json')));
    const verdicts = reports.flatMap((report) => report.verdicts);
    expect(verdicts).toHaveLength(9);
    expect(verdicts.filter(({ target }) => target.endsWith('no errors'))).toMatchObject([{ met: true }, { met: true }]);
  });

  it('[SPL-04] measures beside a backlog in every state', async () => {
    const { reports } = output.parse(JSON.parse(await bench('--backlog', '--quick', '--json')));
    const names = reports.flatMap(({ table }) => table.rows.map((row) => row.name));
    expect(names).toEqual(['queued', 'settled', 'delayed', 'in flight']);
  });
});

const RATIOS = '( +[\\d,.]+){2} +[\\d.]+×';

describe('the benchmarks of the servers', () => {
  it('[HUB-06] measure the hub and its agents beside a bare relay', async () => {
    const printed = await benchOf('hub', '--connections', '20');
    expect(printed).toMatch(new RegExp(`^heap per connection, KiB${RATIOS}$`, 'm'));
    expect(printed).toMatch(new RegExp(`^64 in flight: frames/s${RATIOS}$`, 'm'));
    expect(printed).toMatch(new RegExp(`^tasks by HTTP, one at a time: tasks/s${RATIOS}$`, 'm'));
    expect(printed.match(/^(met|MISSED) +7\. /gm)).toHaveLength(2);
  });

  it('[REL-02] measure the HTTP relay beside a bare server', async () => {
    const printed = await benchOf('relay');
    for (const inFlight of [1, 64]) {
      expect(printed).toMatch(new RegExp(`^${inFlight} in flight: sends accepted a second${RATIOS}$`, 'm'));
      expect(printed).toMatch(new RegExp(`^${inFlight} in flight: send → poll → ack cycles a second${RATIOS}$`, 'm'));
    }
  });
});

describe('the benchmark of panels', () => {
  it('[BRD-07] measures a panel beside the slowest of its models', async () => {
    const printed = await runBench('panel', '--agents', '2,5', '--latency', '5');
    for (const agents of [2, 5]) expect(printed).toMatch(new RegExp(`^${agents} agents${RATIOS} +[\\d.,]+$`, 'm'));
  });
});
