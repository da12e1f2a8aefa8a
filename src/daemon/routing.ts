import { type Route, type RouteNames, routeByAccount, routeByRules } from '../delivery/router.ts';
import { normaliseIdentity } from '../security/identity.ts';
import type { Config } from './config/config.ts';

/** Who handles what is said in a chat, as it is configured. */
export function routeOf({ routing, agents, accounts }: Pick<Config, 'routing' | 'agents' | 'accounts'>): Route {
  const byAccount = new Map(accounts.map((id) => [id, id]));
  if (!routing) return routeByAccount(byAccount);
  const names = new Map(agents.map(({ id, name }) => [id, name]));
  const sameId: RouteNames['sameId'] = (a, b) => normaliseIdentity(a) === normaliseIdentity(b);
  return routeByRules(routing, byAccount, { nameOf: (id) => names.get(id) ?? id, sameId });
}
