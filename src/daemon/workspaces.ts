import { join } from 'node:path';
import type { ToolSet } from 'ai';
import { webTools } from '../agents/toolbox/http-fetch.ts';
import { TOOL_GROUPS, toolsNamed } from '../agents/toolbox/tool-policy.ts';
import { workspaceTools } from '../agents/toolbox/workspace-tools.ts';
import type { AgentId } from '../domain/addresses.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { type OpenWorkspace, openWorkspace } from '../sandbox/open-workspace.ts';
import { workspaceFolder } from '../sandbox/workspace-folder.ts';
import type { AgentConfig, Config } from './config/config.ts';

const NEED_A_WORKSPACE: readonly string[] = [...TOOL_GROUPS.fs, ...TOOL_GROUPS.runtime];

/** The tools for files, commands and the web of each agent that may have some. Throws CONFIG_INVALID when a workspace cannot be made. */
export async function openToolboxes(
  { agents, dataDir }: Pick<Config, 'agents' | 'dataDir'>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<ReadonlyMap<AgentId, ToolSet>> {
  const toolboxes = new Map<AgentId, ToolSet>();
  // Agents that share a folder share its workspace, which makes one change after the other.
  const open = new Map<string, OpenWorkspace>();
  for (const agent of agents) {
    const { mode, limits, network } = agent.sandbox;
    const web = webTools({ network });
    if (!needsWorkspace(agent)) {
      toolboxes.set(agent.id, web);
      continue;
    }
    const folder = workspaceOf(agent, dataDir);
    const key = JSON.stringify([folder, mode, limits]);
    const opened = open.get(key) ?? (await openWorkspace({ folder, mode, limits, clock }));
    open.set(key, opened);
    if (!opened.shell.ok && mode === 'all') {
      logger.warn(
        { agent: agent.id, reason: opened.shell.error },
        'no sandbox: files are confined, commands are refused',
      );
    }
    toolboxes.set(agent.id, { ...workspaceTools(opened), ...web });
  }
  return toolboxes;
}

/** Only whoever may work with files or commands gets a folder for it. */
function needsWorkspace({ tools: { allow, deny } }: AgentConfig): boolean {
  const allowed = toolsNamed(allow ?? []);
  const denied = toolsNamed(deny);
  return NEED_A_WORKSPACE.some((name) => allowed.has(name) && !denied.has(name));
}

function workspaceOf({ id, workspace, sandbox: { scope, workspaceRoot } }: AgentConfig, dataDir: string): string {
  const root = workspaceRoot ?? join(dataDir, 'workspaces');
  return workspace ?? workspaceFolder(root, scope, id);
}
