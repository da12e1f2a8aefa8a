import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { openWorkspace } from '../../sandbox/open-workspace.ts';
import type { AgentConfig, Config } from '../config/config.ts';
import { workspaceOf } from '../config/workspace-folders.ts';
import { shellOf, worksInFolder } from '../workspaces.ts';
import { type Check, good, warning } from './check.ts';

/** Whether the sandbox of each agent that is to have one works here. */
export async function checkSandboxes({ agents, dataDir }: Pick<Config, 'agents' | 'dataDir'>): Promise<Check[]> {
  const checks: Check[] = [];
  for (const agent of agents.filter((one) => one.sandbox.mode === 'all' && worksInFolder(one))) {
    const folder = workspaceOf(agent, dataDir);
    checks.push(existsSync(folder) ? await checkSandbox(agent, folder) : await checkElsewhere(agent));
  }
  return checks;
}

async function checkSandbox(agent: AgentConfig, folder: string): Promise<Check> {
  const { limits, network } = agent.sandbox;
  const shell = await shellOf(agent, await openWorkspace({ folder, mode: 'all', limits, clock: systemClock }));
  if (!shell.ok) return warning('sandbox', `${agent.id}: commands are refused`, shell.error);
  const way = network.length > 0 ? `, with a way to ${network.join(', ')}` : '';
  return good('sandbox', `${agent.id}: commands run in one${way}`);
}

/** The agent's own folder is made when it starts, by the user as whom it does. */
async function checkElsewhere(agent: AgentConfig): Promise<Check> {
  const parent = await mkdtemp(join(tmpdir(), 'parley-doctor-'));
  try {
    // Where this is root, the commands are another user, who has to get there.
    await chmod(parent, 0o711);
    return await checkSandbox(agent, join(parent, 'workspace'));
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}
