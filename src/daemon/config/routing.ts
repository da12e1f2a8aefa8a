import type { AgentId } from '../../domain/addresses.ts';
import type { Binding, RoutingRules } from '../../domain/routing.ts';
import { type AgentReference, references, repeated, strangers, type Where } from './agent-references.ts';
import type { AgentConfig, Config } from './config.ts';
import { configurePanels } from './panels.ts';
import type { Problem } from './problem.ts';
import type { Settings } from './settings-schema.ts';
import { problem } from './surroundings.ts';

interface ConfiguredRouting extends Pick<Config, 'routing' | 'accounts' | 'ackReaction'> {
  readonly problems: readonly Problem[];
}

type BindingSettings = NonNullable<Settings['bindings']>[number];

/** What can stand at the top of `parley.json5` and under `routing`, and means the same. */
const BOTH_PLACES = ['agents', 'bindings', 'broadcast'] as const;

/** Who answers whom, and the accounts that there are: without any routing, one of each agent's own. */
export function configureRouting(settings: Settings, agents: readonly AgentConfig[], where: Where): ConfiguredRouting {
  const { defaultAgentId, ackReaction, ...under } = settings.routing;
  const bindings = settings.bindings ?? under.bindings;
  const broadcast = settings.broadcast ?? under.broadcast;
  const place = (name: 'bindings' | 'broadcast'): string[] =>
    settings[name] === undefined ? ['routing', name] : [name];
  const ids = agents.map(({ id }) => id);
  const isRouted = [bindings, broadcast, defaultAgentId, under.accounts].some((setting) => setting !== undefined);
  const accounts = under.accounts ?? (isRouted ? [defaultAgentId ?? ids[0]].flatMap((id) => id ?? []) : ids);
  const accountReferences = references(under.accounts ?? [], ['routing', 'accounts']);

  const { panels, named, problems } = configurePanels({ ...settings, broadcast }, place('broadcast'), where);
  const bound = (bindings ?? []).map((binding, index) => ({ binding, path: [...place('bindings'), String(index)] }));
  const known = [
    ...named,
    ...bound.map(({ binding, path }) => ({ id: binding.agentId, path: [...path, 'agentId'] })),
    ...(defaultAgentId === undefined ? [] : [{ id: defaultAgentId, path: ['routing', 'defaultAgentId'] }]),
    ...accountReferences,
  ];
  const routing: RoutingRules = {
    panels,
    bindings: bound.map(({ binding }) => bindingOf(binding)),
    defaultAgent: defaultAgentId ?? null,
  };
  return {
    routing: isRouted ? routing : null,
    accounts,
    ackReaction: ackReaction === '' ? null : ackReaction,
    problems: [
      ...twoPlaces(settings, where),
      ...strangers(known, ids, where),
      ...repeated(accountReferences, where),
      ...bound.flatMap(({ binding, path }) => accountProblems(binding, [...path, 'match'], accounts, where)),
      ...problems,
    ],
  };
}

function bindingOf({
  agentId,
  match: { channel, accountId, account = accountId, peer, group },
}: BindingSettings): Binding {
  return {
    agent: agentId,
    match: {
      ...(channel !== undefined && { channel }),
      ...(account !== undefined && { account }),
      ...(peer !== undefined && { peer: { id: peer.id, ...(peer.kind !== undefined && { kind: peer.kind }) } }),
      ...(group !== undefined && { group }),
    },
  };
}

function accountProblems(
  { match: { account, accountId } }: BindingSettings,
  path: readonly string[],
  accounts: readonly AgentId[],
  where: Where,
): Problem[] {
  if (account !== undefined && accountId !== undefined) {
    return [problem(where(path), 'names an account and an accountId, which mean the same', 'Keep one of the two.')];
  }
  const named = Object.entries({ account, accountId }).flatMap(([name, id]): AgentReference[] =>
    id === undefined ? [] : [{ id, path: [...path, name] }],
  );
  return strangers(named, accounts, where, 'there is no such account');
}

const twoPlaces = (settings: Settings, where: Where): Problem[] =>
  BOTH_PLACES.filter((name) => settings[name] !== undefined && settings.routing[name] !== undefined).map((name) =>
    problem(where([name]), `the same is set as routing.${name}`, 'Keep one of the two.'),
  );
