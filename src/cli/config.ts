import { checkConfig } from '../daemon/check-config.ts';
import { type ConfigSummary, summarise } from '../daemon/config-summary.ts';
import type { Binding, Panel, Selection } from '../domain/routing.ts';
import type { SpoolOptions } from './options.ts';
import { oneLine, printResult } from './output.ts';
import { judgeOf } from './route.ts';

/** `parley config validate`: what `parley start` would say of the configuration. Throws CONFIG_INVALID with all that is wrong. */
export function validateConfig(options: SpoolOptions): void {
  const { config, warnings } = checkConfig(options);
  printResult({ ...summarise(config), warnings }, options, (summary) =>
    [
      config.mode === 'demo'
        ? 'The configuration is valid. It names no agents: the demo runs.'
        : 'The configuration is valid.',
      `Database: ${summary.database}`,
      ...summary.agents.map(describeAgent),
      ...summary.panels.map(describePanel),
      ...summary.bindings.map(describeBinding),
      // Without routing there is nothing else that could fit: each answers on its own.
      ...(config.routing
        ? [`Otherwise: ${summary.defaultAgent ?? `whose account it is, ${summary.accounts.join(', ')}`}`]
        : []),
      ...warnings.map((warning) => `Warning: ${warning}`),
    ].join('\n'),
  );
}

/** `Agent ann: Ann, openai (gpt-6-luna), then groq (openai/gpt-oss-120b)`. */
function describeAgent({ id, name, chain }: ConfigSummary['agents'][number]): string {
  const links = chain.map(({ provider, model }) => (model === null ? provider : `${provider} (${oneLine(model)})`));
  return `Agent ${id}: ${oneLine(name)}, ${links.join(', then ')}`;
}

/** `Panel for Team: ann (priority 1), bob; parallel; activation always`. */
function describePanel({ peer, agents, strategy, selection, shared, activation }: Panel): string {
  const members = agents.map(({ id, priority }) => (priority === 0 ? id : `${id} (priority ${priority})`));
  const settings = [
    ...(shared ? [`together in at most ${shared.rounds} round(s)`] : [strategy]),
    ...(shared?.judgement ? [`judge ${judgeOf(shared.judgement)}`] : []),
    ...(selection ? [describeSelection(selection)] : []),
    ...(activation === null ? [] : [`activation ${activation}`]),
  ];
  return `Panel for ${oneLine(peer)}: ${[members.join(', '), ...settings].join('; ')}`;
}

function describeSelection({ rules, otherwise, selector }: Selection): string {
  if (selector !== null) return `chosen by the model of ${selector}`;
  const chosen = rules.map(
    ({ words, agents }) => `${agents.join(', ')} for ${oneLine(words.map((word) => `"${word}"`).join(', '))}`,
  );
  return `chosen ${[...chosen, `otherwise ${otherwise.join(', ') || 'nobody'}`].join(', ')}`;
}

/** `Binding for channel whatsapp, group Team: ann`. */
function describeBinding({ agent, match: { peer, ...match } }: Binding): string {
  const place = [...Object.entries(match), ...(peer ? [[peer.kind ?? 'peer', peer.id]] : [])];
  return `Binding for ${oneLine(place.map((part) => part.join(' ')).join(', ')) || 'everything'}: ${agent}`;
}
