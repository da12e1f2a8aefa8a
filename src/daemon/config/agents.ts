import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { agentId } from '../../domain/addresses.ts';
import { PROVIDER_IDS, PROVIDERS, type ProviderId } from '../../providers/catalogue.ts';
import type { ProviderSettings } from '../../providers/settings.ts';
import { type AgentSettings, providerSchema } from './agent-settings.ts';
import { splitList } from './bindings.ts';
import type { AgentConfig, Config } from './config.ts';
import { DEMO_AGENTS } from './demo-agents.ts';
import type { Problem } from './problem.ts';
import type { Settings } from './settings-schema.ts';
import type { Sources } from './sources.ts';

interface ConfiguredAgents extends Pick<Config, 'mode' | 'agents' | 'offers'> {
  readonly problems: readonly Problem[];
}

/** The agents and the chain of providers of each. Without any set up, the three of the demo. */
export function configureAgents(
  settings: Settings,
  sources: Sources,
  flagProviders: readonly ProviderId[],
): ConfiguredAgents {
  const { secrets } = sources;
  const listed = listAgents(settings.agents ?? settings.routing.agents);
  const mode = listed ? 'agents' : 'demo';
  const wanted = listed ?? DEMO_AGENTS;
  const problems = [
    ...duplicateIds(wanted),
    ...wanted.flatMap(twoPersonas),
    ...wanted.flatMap(twoPatternLists),
    ...flagCountProblems(flagProviders, wanted),
  ];
  const agents: AgentConfig[] = [];
  for (const [index, agent] of wanted.entries()) {
    const flag = flagProviders.length > 1 ? flagProviders[index] : flagProviders[0];
    const provider = flag ?? agent.provider ?? settings.provider ?? (mode === 'demo' ? 'demo' : null);
    if (provider === null) problems.push(noProvider(agent));
    // Without a provider it is an agent all the same, for those who look whether what is named is there.
    const chain = provider === null ? [] : providerChain(provider, agent, settings, secrets);
    agents.push(describeAgent(agent, chain, settings, sources));
  }
  return { mode, agents, offers: mode === 'demo' ? unusedKeys(agents, secrets) : [], problems };
}

/** The providers that `--provider` names, each in a flag of its own or in a comma-separated list. */
export function readProviderFlag(words: readonly string[]): {
  providers: readonly ProviderId[];
  problems: readonly Problem[];
} {
  const read = words.flatMap((word) => splitList(word.toLowerCase())).map((word) => providerSchema.safeParse(word));
  const providers = read.flatMap(({ data }) => data ?? []);
  const problems = read.flatMap(({ error }) =>
    (error?.issues ?? []).map(({ message }) => problem('--provider', message, 'Correct it or leave it out.')),
  );
  return { providers, problems };
}

/** Both shapes of the file, a list and a map by id, as a list; null when there is neither. */
function listAgents(agents: Settings['agents']): readonly AgentSettings[] | null {
  if (agents === undefined) return null;
  if (Array.isArray(agents)) return agents;
  if ('list' in agents && Array.isArray(agents.list)) return agents.list;
  return Object.entries(agents).map(([id, agent]) => ({ ...agent, id: agentId(id) }));
}

function describeAgent(
  agent: AgentSettings,
  chain: readonly ProviderSettings[],
  { messages }: Settings,
  sources: Sources,
): AgentConfig {
  const { sandbox, tools, groupChat } = agent;
  return {
    id: agent.id,
    name: agent.name ?? agent.id,
    persona: agent.persona ?? agent.prompt ?? '',
    capabilities: agent.capabilities,
    phone: agent.phone ?? null,
    chain,
    workspace: folderOf(agent.workspace, sources),
    sandbox: { ...sandbox, workspaceRoot: folderOf(sandbox.workspaceRoot, sources) },
    tools: { ...tools, allow: tools.allow ?? null },
    mentionPatterns: agent.mentionPatterns ?? groupChat.mentionPatterns ?? messages.groupChat.mentionPatterns,
    concurrency: agent.concurrency,
  };
}

/** `~` is the home of whoever runs Parley; any other path is from the project root. */
function folderOf(path: string | undefined, { projectRoot, variables }: Sources): string | null {
  if (path === undefined) return null;
  const home = variables.get('HOME')?.value ?? homedir();
  return resolve(
    projectRoot,
    path.replace(/^~(?=[/\\]|$)/, () => home),
  );
}

/** The provider and its fallbacks. The scripted model never fails: after it there is nothing to fall back to. */
function providerChain(
  provider: ProviderId,
  agent: AgentSettings,
  settings: Settings,
  secrets: ReadonlyMap<string, string>,
): ProviderSettings[] {
  const fallbacks = provider === 'demo' ? [] : (agent.fallbacks ?? settings.fallbacks);
  // An agent's model is one of the provider that it was written for, not of one that stands in for that.
  const own = agent.provider ?? settings.provider ?? provider;
  return [...new Set([provider, ...fallbacks])].map((id) => {
    const { key } = PROVIDERS[id].variables;
    const apiKey = key === null ? undefined : secrets.get(key);
    const model = id === own ? agent.model : undefined;
    return { provider: id, ...settings.providers[id], ...(apiKey && { apiKey }), ...(model && { model }) };
  });
}

function unusedKeys(agents: readonly AgentConfig[], secrets: ReadonlyMap<string, string>): ProviderId[] {
  const used = new Set(agents.flatMap(({ chain }) => chain.map(({ provider }) => provider)));
  return PROVIDER_IDS.filter((id) => {
    const { key } = PROVIDERS[id].variables;
    return key !== null && secrets.has(key) && !used.has(id);
  });
}

function duplicateIds(agents: readonly AgentSettings[]): Problem[] {
  const repeated = agents.filter(({ id }, index) => agents.findIndex((other) => other.id === id) < index);
  return [...new Set(repeated.map(({ id }) => id))].map((id) =>
    problem(`agent ${id}`, 'several agents have this id', 'Give each its own id: it is the name of a mailbox.'),
  );
}

function twoPersonas({ id, persona, prompt }: AgentSettings): Problem[] {
  if (persona === undefined || prompt === undefined) return [];
  return [problem(`agent ${id}`, 'has both a persona and a prompt, which mean the same', 'Keep one of the two.')];
}

function twoPatternLists({ id, mentionPatterns, groupChat }: AgentSettings): Problem[] {
  if (mentionPatterns === undefined || groupChat.mentionPatterns === undefined) return [];
  const message = 'has both mentionPatterns and groupChat.mentionPatterns, which mean the same';
  return [problem(`agent ${id}`, message, 'Keep one of the two.')];
}

function flagCountProblems(providers: readonly ProviderId[], agents: readonly AgentSettings[]): Problem[] {
  if (providers.length <= 1 || providers.length === agents.length) return [];
  const ids = agents.map(({ id }) => id).join(', ');
  const fix = `Give one for all, or one for each of ${ids}.`;
  return [problem('--provider', `names ${providers.length} providers for ${agents.length} agents`, fix)];
}

const noProvider = ({ id }: AgentSettings): Problem =>
  problem(`agent ${id}`, 'has no provider', 'Set AI_PROVIDER; AI_PROVIDER=demo is a scripted model that needs no key.');

const problem = (where: string, message: string, fix: string): Problem => ({ severity: 'error', where, message, fix });
