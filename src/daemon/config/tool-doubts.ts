import type { ToolSet } from 'ai';
import { z } from 'zod';
import { selectTools, TOOL_GROUPS, toolsNamed } from '../../agents/toolbox/tool-policy.ts';
import type { AgentConfig } from './config.ts';
import type { Problem } from './problem.ts';

/** Every tool that there is, by its name alone: for asking the policy who has it. */
const ALL_TOOLS: ToolSet = Object.fromEntries(
  Object.values(TOOL_GROUPS)
    .flat()
    .map((name) => [name, { inputSchema: z.strictObject({}) }]),
);

/** What is said of an agent's tools and has no effect. */
export function toolDoubts({ id, tools, sandbox }: AgentConfig): Problem[] {
  const callable = selectTools(ALL_TOOLS, tools);
  const mayCall = (name: string): boolean => [...toolsNamed([name])].some((tool) => Object.hasOwn(callable, tool));
  const commands = mayCall('runtime') && sandbox.mode === 'off' ? [refusedCommands(id)] : [];
  const unasked = tools.approve.filter((name) => !mayCall(name)).map((name) => notCallable(id, name));
  return [...commands, ...unasked];
}

const refusedCommands = (id: string): Problem => ({
  severity: 'warning',
  where: `agent ${id}: tools.allow`,
  message: 'commands are refused, since sandbox.mode is off',
  fix: "Set sandbox: { mode: 'all' }, or do not allow bash.",
});

const notCallable = (id: string, name: string): Problem => ({
  severity: 'warning',
  where: `agent ${id}: tools.approve`,
  message: `names ${name}, which the agent may not call`,
  fix: 'Add it to tools.allow unless it is denied, or leave it out here.',
});
