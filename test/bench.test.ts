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
async function bench(...options: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ['bench/spool.ts', '--runs', '1', '--ms', '10', ...options]);
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
