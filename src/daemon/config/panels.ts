import type { AgentId } from '../../domain/addresses.ts';
import type { Judgement, Panel, Selection } from '../../domain/routing.ts';
import { normaliseIdentity } from '../../security/identity.ts';
import { type AgentReference, references, repeated, strangers, type Where } from './agent-references.ts';
import type { Problem } from './problem.ts';
import { DEFAULT_MAX_AGENTS, type PanelSettings } from './routing-settings.ts';
import type { Settings } from './settings-schema.ts';
import { problem } from './surroundings.ts';

interface ConfiguredPanels {
  readonly panels: readonly Panel[];
  /** The agents that they name. */
  readonly named: readonly AgentReference[];
  readonly problems: readonly Problem[];
}

type Path = readonly string[];

/** What stands for every peer. */
export const EVERYBODY = '*';

/** The panels of `broadcast`, which stands at `path`. */
export function configurePanels(
  { broadcast, discussion }: Pick<Settings, 'broadcast' | 'discussion'>,
  path: Path,
  where: Where,
): ConfiguredPanels {
  const { strategy = 'parallel', ...written } = broadcast ?? {};
  const panels: Panel[] = [];
  const named: AgentReference[] = [];
  const problems: Problem[] = [];
  for (const [peer, entry] of Object.entries(written)) {
    const settings = Array.isArray(entry) ? { agents: entry } : entry;
    const panel = panelOf(peer, settings, { strategy, rounds: discussion.rounds });
    const agentsPath = [...path, peer, ...(Array.isArray(entry) ? [] : ['agents'])];
    const members = references(idsOf(panel), agentsPath);
    named.push(...members, ...selectorOf(settings, [...path, peer]));
    problems.push(
      ...peerProblems(peer, panels, where([...path, peer])),
      ...sizeProblems(settings, panel, where(agentsPath)),
      ...repeated(members, where),
      ...judgeProblems(panel, where([...path, peer, 'judge'])),
      ...selectionProblems(settings, panel, [...path, peer, 'select'], where),
    );
    panels.push(panel);
  }
  const everybody = panels.filter(({ peer }) => peer === EVERYBODY);
  return { panels: [...panels.filter((panel) => !everybody.includes(panel)), ...everybody], named, problems };
}

type PanelDescription = Pick<PanelSettings, 'agents'> & Partial<PanelSettings>;

function panelOf(
  peer: string,
  { agents, shared, judge, select, activation, ...own }: PanelDescription,
  all: { readonly strategy: Panel['strategy']; readonly rounds: number },
): Panel {
  const members = agents.map((agent) => (typeof agent === 'string' ? { id: agent, priority: 0 } : agent));
  const judgement = judge === undefined ? null : judgementOf(judge);
  // Without being told to hear each other, those who are judged speak once.
  const rounds = shared === true ? all.rounds : (shared?.rounds ?? (judgement && 1));
  return {
    peer: peer.trim(),
    agents: members,
    strategy: own.strategy ?? all.strategy,
    selection: select ? selectionOf(select, members) : null,
    shared: rounds === null ? null : { rounds, judgement },
    activation: activation ?? null,
  };
}

const judgementOf = (judge: NonNullable<PanelSettings['judge']>): Judgement =>
  typeof judge === 'string' ? { mode: judge } : { mode: 'quorum', of: judge.quorum };

const selectionOf = (
  { rules = [], otherwise, by }: NonNullable<PanelSettings['select']>,
  members: Panel['agents'],
): Selection => ({ rules, otherwise: otherwise ?? members.map(({ id }) => id), selector: by ?? null });

const idsOf = ({ agents }: Panel): AgentId[] => agents.map(({ id }) => id);

const selectorOf = ({ select }: PanelDescription, path: Path): AgentReference[] =>
  select?.by === undefined ? [] : [{ id: select.by, path: [...path, 'select', 'by'] }];

function peerProblems(peer: string, others: readonly Panel[], where: string): Problem[] {
  if (peer.trim() === '') return [problem(where, 'names no peer', 'Name a group, a phone number, or * for all.')];
  const isThere = others.some((other) => normaliseIdentity(other.peer) === normaliseIdentity(peer));
  return isThere ? [problem(where, 'this peer has a panel already', 'Put their agents into one.')] : [];
}

function sizeProblems(
  { maxAgents = DEFAULT_MAX_AGENTS }: PanelDescription,
  { agents }: Panel,
  where: string,
): Problem[] {
  if (agents.length === 0) return [problem(where, 'names no agent', 'Name at least one, or remove the panel.')];
  if (agents.length <= maxAgents) return [];
  const message = `names ${agents.length} agents, and a panel has at most ${maxAgents}`;
  return [problem(where, message, `Take some out, or allow more: { agents: […], maxAgents: ${agents.length} }.`)];
}

function judgeProblems({ agents, shared }: Panel, where: string): Problem[] {
  const judgement = shared?.judgement;
  if (judgement?.mode !== 'quorum' || judgement.of <= agents.length) return [];
  const message = `${judgement.of} agents are to speak, and there are only ${agents.length}`;
  return [problem(where, message, 'Lower the quorum, or add agents.')];
}

function selectionProblems({ select }: PanelDescription, panel: Panel, path: Path, where: Where): Problem[] {
  if (!select) return [];
  const { rules, otherwise, by } = select;
  if (by === undefined && rules === undefined) {
    return [problem(where(path), 'says neither by rules nor by whom', 'Set rules: […], or by: the id of an agent.')];
  }
  if (by !== undefined && (rules ?? otherwise) !== undefined) {
    return [problem(where(path), 'is both by an agent and by rules', 'Keep by alone, or rules and otherwise.')];
  }
  const chosen = [
    ...(rules ?? []).flatMap(({ agents }, index) => references(agents, [...path, 'rules', String(index), 'agents'])),
    ...references(otherwise ?? [], [...path, 'otherwise']),
  ];
  return strangers(chosen, idsOf(panel), where, 'this agent is not on the panel');
}
