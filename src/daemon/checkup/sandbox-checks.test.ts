import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeReachableFolder, requireSandbox } from '../../../test/support/sandbox.ts';
import { started } from '../config/config-fixtures.ts';
import type { Check } from './check.ts';
import { checkSandboxes } from './sandbox-checks.ts';

const TOOLS = { allow: ['runtime', 'fs'] };

/** What the check finds of these agents, where nothing has been started yet. */
async function findings(agents: Readonly<Record<string, object>>): Promise<readonly Check[]> {
  const folder = makeReachableFolder();
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'file'), '');
  const text = JSON.stringify({ provider: 'demo', agents }).replaceAll('<folder>', folder);
  const { config } = started({ files: { 'parley.json5': text } });
  const dataDir = join(folder, 'data');
  const found = await checkSandboxes({ ...config, dataDir });
  expect(existsSync(dataDir)).toBe(false);
  return found;
}

describe('what parley doctor says of sandboxes', () => {
  it('[TOL-02] [CLI-02] that they work, for those who are to have one, and leaves nothing behind', async (context) => {
    await requireSandbox(context);
    const found = await findings({
      offline: { tools: TOOLS, sandbox: { mode: 'all' } },
      online: { tools: TOOLS, sandbox: { mode: 'all', network: ['api.example'] } },
      bare: { tools: TOOLS },
      talker: { sandbox: { mode: 'all' } },
    });
    expect(found.map(({ name, outcome, detail }) => [name, outcome, detail])).toEqual([
      ['sandbox', 'ok', 'offline: commands run in one'],
      ['sandbox', 'ok', 'online: commands run in one, with a way to api.example'],
    ]);
  });

  it('[TOL-02] [CLI-02] what is in the way, and what mends it', async (context) => {
    await requireSandbox(context);
    const limits = { processes: 7 };
    const found = await findings({
      narrow: { tools: TOOLS, sandbox: { mode: 'all', network: ['api.example'], limits } },
    });
    expect(found).toEqual([
      {
        name: 'sandbox',
        outcome: 'warning',
        detail: 'narrow: commands are refused',
        fix: expect.stringContaining('Raise sandbox.limits.processes'),
      },
    ]);
  });

  it('[TOL-02] [CLI-02] that a workspace is a file', async () => {
    const agents = { odd: { tools: TOOLS, workspace: '<folder>/file', sandbox: { mode: 'all' } } };
    await expect(findings(agents)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
