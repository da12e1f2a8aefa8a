import { fittingPatterns } from '../delivery/mentions.ts';
import { type Route, type RouteOptions, routeByAccount, routeByRules } from '../delivery/router.ts';
import type { AgentId } from '../domain/addresses.ts';
import { normaliseIdentity } from '../security/identity.ts';
import type { Config } from './config/config.ts';

/** Who handles what is said in a chat, as it is configured. */
export function routeOf(config: Pick<Config, 'routing' | 'agents' | 'accounts' | 'whatsapp'>): Route {
  const { routing, agents, accounts, whatsapp } = config;
  const byAccount = new Map(accounts.map((id) => [id, id]));
  const names = new Map(agents.map(({ id, name }) => [id, name]));
  const options: RouteOptions = {
    nameOf: (id) => names.get(id) ?? id,
    sameId: (a, b) => normaliseIdentity(a) === normaliseIdentity(b),
    isMentioned: (id, text) => patternsFor(config, id, text).length > 0,
    activation: whatsapp?.groupActivation ?? 'always',
  };
  return routing ? routeByRules(routing, byAccount, options) : routeByAccount(byAccount, options);
}

/** The mention patterns of an agent that a text fits, as they are written. */
export function patternsFor({ agents }: Pick<Config, 'agents'>, id: AgentId, text: string): readonly string[] {
  const patterns = agents.find((agent) => agent.id === id)?.mentionPatterns ?? [];
  return fittingPatterns(patterns, text).map(({ source }) => source);
}
