import { idOf, openWorld, PERSON, type Script, type World, type WorldOptions } from '../../test/support/agents.ts';
import type { Panel, RoutingRules } from '../domain/routing.ts';

export const ROUND_MS = 120_000;

export const PANEL: Panel = {
  peer: PERSON,
  agents: ['Atlas', 'Nova', 'Bolt'].map((name) => ({ id: idOf(name), priority: 0 })),
  strategy: 'parallel',
  selection: null,
  shared: null,
  activation: null,
};

export const rules = (panel: Partial<Panel>): RoutingRules => ({
  panels: [{ ...PANEL, ...panel }],
  bindings: [],
  defaultAgent: null,
});

export const says =
  (what: string): Script =>
  ({ prompt }) =>
    prompt.startsWith('[close') ? `summary of ${what}` : what;

export const withPanel = (panel: Partial<Panel>, more: Partial<WorldOptions> = {}): Promise<World> =>
  openWorld({
    routing: rules(panel),
    ...more,
    agents: { Atlas: says('atlas'), Nova: says('nova'), Bolt: says('bolt'), ...more.agents },
  });

/** Who said what in the chat, in order. */
export const spoken = (world: World): readonly string[] =>
  world.said.map(({ speaker, text }) => `${speaker.name}: ${text}`);
export const turnsOf = (world: World, agent: string) => world.turns.filter((turn) => turn.agent === agent);
export const ALL = ['Atlas: atlas', 'Bolt: bolt', 'Nova: nova'];
