import type { AgentStatus } from '../domain/agent-card.ts';
import type { SpoolOptions } from './options.ts';
import { printResult } from './output.ts';
import { describeAgent, documentOf } from './registered-agent.ts';
import { withSpool } from './with-spool.ts';

export interface AgentsOptions extends SpoolOptions {
  readonly capability?: string;
  readonly status?: AgentStatus;
}

/** `parley agents`: who is registered. */
export async function agents(options: AgentsOptions): Promise<void> {
  const { capability, status } = options;
  const filter = { ...(capability !== undefined && { capability }), ...(status !== undefined && { status }) };
  const found = await withSpool(options, (spool) => spool.registry.list(filter).map(documentOf));
  printResult({ agents: found }, options, () =>
    found.length === 0
      ? `${nobody(options)} Add one: parley register <name> -c <capabilities> -d <device>`
      : `Registered agents (${found.length}):\n${found.map((agent) => `  ${describeAgent(agent)}`).join('\n')}`,
  );
}

function nobody({ capability, status }: AgentsOptions): string {
  const which = [status, capability === undefined ? undefined : `with the capability ${capability}`];
  return `${['No registered agent', ...which.filter((word) => word !== undefined)].join(' ')}.`;
}
