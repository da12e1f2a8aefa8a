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
  const { chosen, why } = called.length > 0 ? { chosen: called, why: how } : selected(panel, chat.text);
  const priorities = [...new Set(chosen.map(({ priority }) => priority))].sort((a, b) => b - a);
  const byPriority = [...chosen].sort((a, b) => b.priority - a.priority);
  const agents = byPriority.map(({ id, priority }, index) => ({
    id,
    rank: panel.strategy === 'sequential' ? index : priorities.indexOf(priority),
  }));
  const reason =
    agents.length > 0
      ? `they are on the panel for ${panel.peer}${why}`
      : `for the panel for ${panel.peer} no rule fits, and \`otherwise\` names nobody`;
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

/** Who of a panel answers when nobody is called. Only rules can leave nobody. */
function selected(
  { agents, selection }: Panel,
  text: string,
): { readonly chosen: Panel['agents']; readonly why: string } {
  if (!selection || selection.selector !== null) return { chosen: agents, why: '' };
  const said = text.toLowerCase();
  const fitting = selection.rules.filter(({ words }) => words.some((word) => said.includes(word.toLowerCase())));
  const wanted = new Set(fitting.length > 0 ? fitting.flatMap((rule) => rule.agents) : selection.otherwise);
  const chosen = agents.filter(({ id }) => wanted.has(id));
  if (chosen.length === agents.length) return { chosen, why: '' };
  return {
    chosen,
    why: fitting.length > 0 ? ', of which a rule fits' : ', of which `otherwise` names them: no rule fits',
  };
}

/** What before an `@` makes it part of an address. At the end of a text. */
const GOES_ON_BEFORE = /[\p{L}\p{N}._+-]$/u;
/** What after a name makes it part of a longer one, or of a path or the name of a host. At the beginning of a text. */
const GOES_ON_AFTER = /^(?:[\p{L}\p{N}_-]|[/.][\p{L}\p{N}])/u;

/** `@Alfred`, by name or id, on its own: neither `bob@alfred.example` nor `@alfred/parser`. */
function isNamed(text: string, ...names: readonly string[]): boolean {
  const said = text.toLowerCase();
  return names.some((name) => {
    const call = `@${name.toLowerCase()}`;
    for (let at = said.indexOf(call); at >= 0; at = said.indexOf(call, at + 1)) {
      const end = at + call.length;
      // A character has at most two code units. All of the rest, each time, would take time with the square of the text.
      const before = said.slice(Math.max(0, at - 2), at);
      if (!GOES_ON_BEFORE.test(before) && !GOES_ON_AFTER.test(said.slice(end, end + 3))) return true;
    }
    return false;
  });
}

/** What stands for every peer, and every group. */
const ANY = '*';

/**
 * The kinds of match in the order in which they count; several together count for more than each alone. What is for every peer, or every
 * group, says least, and still more than nothing.
 */
function specificity({ channel, account, peer, group }: BindingMatch): number {
  const kinds = [peer?.id === ANY, group === ANY, channel, account, group !== ANY && group, peer?.id !== ANY && peer];
  return kinds.reduce<number>((sum, kind, index) => sum + (kind === undefined || kind === false ? 0 : 2 ** index), 0);
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
  if (id === ANY || sameId(peer.id, id)) return true;
  if (peer.kind === 'group') return peer.name !== undefined && peer.name.toLowerCase() === id.toLowerCase();
  return (sender.aliases ?? []).some((alias) => sameId(alias, id));
}

function describe({ match: { channel, account, peer, group } }: Binding): string {
  const parts = Object.entries({ channel, account, peer: peer?.id, group }).filter(([, value]) => value !== undefined);
  return parts.length > 0 ? `for ${parts.map(([name, value]) => `${name} ${value}`).join(', ')}` : 'for everything';
}
