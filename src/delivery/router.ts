import type { AgentId } from '../domain/addresses.ts';
import type { ChatIn } from '../domain/chat.ts';
import type { Activation, Binding, BindingMatch, Panel, RoutingRules } from '../domain/routing.ts';

/** Who handles what was said in a chat. */
export interface Routed {
  /** In order; who has a higher rank waits until all of a lower one are done. */
  readonly agents: readonly { readonly id: AgentId; readonly rank: number }[];
  /** The panel that they are, if several share the chat. */
  readonly panel: Panel | null;
  /** They are called, by their names or by what one of their mention patterns fits. */
  readonly isCalled: boolean;
  /** In a group: whether they answer only when they are spoken to. */
  readonly activation: Activation;
  /** Why these, in words. */
  readonly reason: string;
}

export type Route = (chat: ChatIn) => Routed;

export interface RouteOptions {
  readonly nameOf: (agent: AgentId) => string;
  /** Whether two ids of the channel are the same person or group, however they are written. */
  readonly sameId: (a: string, b: string) => boolean;
  /** Whether a mention pattern of the agent fits a text. */
  readonly isMentioned: (agent: AgentId, text: string) => boolean;
  /** Of groups whose panel does not say. */
  readonly activation: Activation;
}

/** Every account has one agent: the one that answers on that number. */
export function routeByAccount(
  agents: ReadonlyMap<string, AgentId>,
  { isMentioned, activation }: Pick<RouteOptions, 'isMentioned' | 'activation'>,
): Route {
  return ({ account, text }) => {
    const agent = agents.get(account);
    const common = { panel: null, activation };
    if (agent === undefined)
      return { ...common, agents: [], isCalled: false, reason: `nobody has the account ${account}` };
    const isCalled = isMentioned(agent, text);
    return { ...common, agents: [{ id: agent, rank: 0 }], isCalled, reason: `it has the account ${account}` };
  };
}

/** A panel comes before bindings, the most specific binding before others, and whoever has the account last. */
export function routeByRules(
  { panels, bindings, defaultAgent }: RoutingRules,
  agents: ReadonlyMap<string, AgentId>,
  options: RouteOptions,
): Route {
  const { nameOf, sameId, isMentioned, activation } = options;
  const byAccount = routeByAccount(agents, options);
  const ranked = [...bindings].sort((a, b) => specificity(b.match) - specificity(a.match));
  const only = (id: AgentId, { text }: ChatIn, reason: string): Routed => ({
    agents: [{ id, rank: 0 }],
    panel: null,
    isCalled: isNamed(text, id, nameOf(id)) || isMentioned(id, text),
    activation,
    reason,
  });
  return (chat) => {
    const panel = panels.find(({ peer }) => isPeer(chat, peer, sameId));
    if (panel) return routeToPanel(panel, chat, options);
    const binding = ranked.find(({ match }) => fits(match, chat, sameId));
    if (binding) return only(binding.agent, chat, `the binding ${describe(binding)}`);
    return defaultAgent === null ? byAccount(chat) : only(defaultAgent, chat, 'it is the default');
  };
}

function routeToPanel(panel: Panel, chat: ChatIn, options: RouteOptions): Routed {
  const activation = panel.activation ?? options.activation;
  const { called, how } = calledOf(panel, chat, activation, options);
  const chosen = called.length > 0 ? called : selected(panel, chat.text);
  const priorities = [...new Set(chosen.map(({ priority }) => priority))].sort((a, b) => b - a);
  const byPriority = [...chosen].sort((a, b) => b.priority - a.priority);
  const agents = byPriority.map(({ id, priority }, index) => ({
    id,
    rank: panel.strategy === 'sequential' ? index : priorities.indexOf(priority),
  }));
  const why = called.length > 0 ? how : chosen.length < panel.agents.length ? ', of which a rule fits' : '';
  const reason = `they are on the panel for ${panel.peer}${why}`;
  return { agents, panel, isCalled: called.length > 0, activation, reason };
}

/**
 * Who of a panel is called. Names always choose. A mention pattern only wakes: it chooses where nobody would answer without it, and not
 * among those who are spoken to anyhow.
 */
function calledOf(
  { agents }: Panel,
  { peer, text, addressed }: ChatIn,
  activation: Activation,
  { nameOf, isMentioned }: RouteOptions,
): { readonly called: Panel['agents']; readonly how: string } {
  const named = agents.filter(({ id }) => isNamed(text, id, nameOf(id)));
  if (named.length > 0) return { called: named, how: ', of which they are named' };
  const isAsleep = peer.kind === 'group' && addressed === false && activation === 'mention';
  const mentioned = isAsleep ? agents.filter(({ id }) => isMentioned(id, text)) : [];
  return { called: mentioned, how: ', of which a mention pattern wakes them' };
}

function selected({ agents, selection }: Panel, text: string): Panel['agents'] {
  if (!selection || selection.selector !== null) return agents;
  const said = text.toLowerCase();
  const fitting = selection.rules.filter(({ words }) => words.some((word) => said.includes(word.toLowerCase())));
  const wanted = new Set(fitting.length > 0 ? fitting.flatMap((rule) => rule.agents) : selection.otherwise);
  return agents.filter(({ id }) => wanted.has(id));
}

/** `@Alfred`, by name or id. */
function isNamed(text: string, ...names: readonly string[]): boolean {
  const said = text.toLowerCase();
  return names.some((name) => {
    const at = said.indexOf(`@${name.toLowerCase()}`);
    return at >= 0 && !/^[\p{L}\p{N}_-]/u.test(said.slice(at + name.length + 1));
  });
}

/** The kinds of match in the order in which they count; several together count for more than each alone. */
function specificity({ channel, account, peer, group }: BindingMatch): number {
  return (
    (peer === undefined ? 0 : 8) +
    (group === undefined ? 0 : 4) +
    (account === undefined ? 0 : 2) +
    (channel === undefined ? 0 : 1)
  );
}

function fits({ channel, account, peer, group }: BindingMatch, chat: ChatIn, sameId: RouteOptions['sameId']): boolean {
  return (
    (channel === undefined || channel === chat.channel) &&
    (account === undefined || account === chat.account) &&
    (peer === undefined || ((peer.kind ?? chat.peer.kind) === chat.peer.kind && isPeer(chat, peer.id, sameId))) &&
    (group === undefined || (chat.peer.kind === 'group' && isPeer(chat, group, sameId)))
  );
}

/** A group goes by its id or its name, a person by any of their ids. */
function isPeer({ peer, sender }: ChatIn, id: string, sameId: RouteOptions['sameId']): boolean {
  if (id === '*' || sameId(peer.id, id)) return true;
  if (peer.kind === 'group') return peer.name !== undefined && peer.name.toLowerCase() === id.toLowerCase();
  return (sender.aliases ?? []).some((alias) => sameId(alias, id));
}

function describe({ match: { channel, account, peer, group } }: Binding): string {
  const parts = Object.entries({ channel, account, peer: peer?.id, group }).filter(([, value]) => value !== undefined);
  return parts.length > 0 ? `for ${parts.map(([name, value]) => `${name} ${value}`).join(', ')}` : 'for everything';
}
