import type { ToolSet } from 'ai';
import { webTools } from '../agents/toolbox/http-fetch.ts';
import { TOOL_GROUPS, toolsNamed } from '../agents/toolbox/tool-policy.ts';
import { workspaceTools } from '../agents/toolbox/workspace-tools.ts';
import type { AgentId } from '../domain/addresses.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { type OpenWorkspace, openWorkspace } from '../sandbox/open-workspace.ts';
import type { Workspace } from '../sandbox/workspace.ts';
import type { AgentConfig, Config } from './config/config.ts';
import { workspaceOf } from './config/workspace-folders.ts';

/** Only whoever may work with files or commands gets a folder for it. */
const NEED_A_WORKSPACE: readonly string[] = [...TOOL_GROUPS.fs, ...TOOL_GROUPS.runtime];

/** What an agent works with besides talking. */
export interface Toolbox {
  /** For files, commands and the web. */
  readonly tools: ToolSet;
  /** null: it may work with no files. */
  readonly workspace: Workspace | null;
}

/** The toolbox of each agent. Throws CONFIG_INVALID when a workspace cannot be made. */
export async function openToolboxes(
  { agents, dataDir }: Pick<Config, 'agents' | 'dataDir'>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<ReadonlyMap<AgentId, Toolbox>> {
  const toolboxes = new Map<AgentId, Toolbox>();
  // Agents that share a folder share its workspace, which makes one change after the other.
  const open = new Map<string, OpenWorkspace>();
  for (const agent of agents) {
    const { mode, limits, network } = agent.sandbox;
    const web = webTools({ network });
    if (!worksInFolder(agent)) {
      toolboxes.set(agent.id, { tools: web, workspace: null });
      continue;
    }
    const folder = workspaceOf(agent, dataDir);
    const key = JSON.stringify([folder, mode, limits]);
    const opened = open.get(key) ?? (await openWorkspace({ folder, mode, limits, clock }));
    open.set(key, opened);
    const shell = await shellOf(agent, opened);
    if (!shell.ok && mode === 'all') {
      const what = opened.shell.ok ? 'no network in the sandbox' : 'no sandbox: files are confined';
      logger.warn({ agent: agent.id, reason: shell.error }, `${what}, commands are refused`);
    }
    const { workspace } = opened;
    toolboxes.set(agent.id, { tools: { ...workspaceTools({ workspace, shell }), ...web }, workspace });
  }
  return toolboxes;
}

/** Whether it may work with files or commands. */
export const worksInFolder = (agent: AgentConfig): boolean => mayCall(agent, NEED_A_WORKSPACE);

/** Where the commands of an agent run, with its way to the network if it has one; or in words why none can. */
export async function shellOf(agent: AgentConfig, workspace: OpenWorkspace): Promise<OpenWorkspace['shell']> {
  const hosts = agent.sandbox.network;
  const isConnected = hosts.length > 0 && mayCall(agent, TOOL_GROUPS.runtime);
  return isConnected ? workspace.shellWith({ hosts }) : workspace.shell;
}

/** Whether it has one of these tools, none of which an agent has unless somebody says so. */
function mayCall({ tools: { allow, deny } }: AgentConfig, names: readonly string[]): boolean {
  const allowed = toolsNamed(allow ?? []);
  const denied = toolsNamed(deny);
  return names.some((name) => allowed.has(name) && !denied.has(name));
}
