import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeReachableFolder, requireSandbox } from '../../test/support/sandbox.ts';
import { agentId } from '../domain/addresses.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/logger.ts';
import { started } from './config/config-fixtures.ts';
import { openToolboxes } from './workspaces.ts';

/** What the model of each agent is told of its tools. */
async function descriptions(agents: Readonly<Record<string, object>>) {
  const folder = makeReachableFolder();
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { config } = started({ files: { 'parley.json5': JSON.stringify({ provider: 'demo', agents }) } });
  const dataDir = join(folder, 'data');
  const toolboxes = await openToolboxes({ ...config, dataDir }, { clock: systemClock, logger: silentLogger });
  return (agent: string, tool: string) => toolboxes.get(agentId(agent))?.tools[tool]?.description;
}

describe('the tool for commands', () => {
  it('[TOL-02] says which hosts it reaches, or that there is no network', async (context) => {
    await requireSandbox(context);
    const tools = { allow: ['runtime', 'fs'] };
    const shared = { scope: 'shared', mode: 'all' };
    const of = await descriptions({
      offline: { tools, sandbox: shared },
      online: { tools, sandbox: { ...shared, network: ['api.example', '*.npm.example'] } },
      anywhere: { tools, sandbox: { ...shared, network: ['*'] } },
      bare: { tools, sandbox: { mode: 'off', network: ['api.example'] } },
    });
    expect(of('offline', 'bash')).toContain('There is no network.');
    expect(of('online', 'bash')).toContain('these hosts and no others: api.example, *.npm.example.');
    expect(of('anywhere', 'bash')).toContain('every host of the Internet');
    expect(of('bare', 'bash')).toContain('There is no network.');
  });
});
