import { explainRoute, type RouteExplanation, type RouteQuestion } from '../daemon/route-explanation.ts';
import type { SpoolOptions } from './options.ts';
import { mark, oneLine, printResult } from './output.ts';

export interface RouteOptions extends SpoolOptions {
  readonly account?: string;
  readonly group?: true;
  readonly dm?: true;
  readonly text?: string;
}

type Panel = NonNullable<RouteExplanation['panel']>;
type Agents = RouteExplanation['agents'];

const NOBODY_EXIT = 1;

/** `parley route`: which agents would handle a message, and why. Exits with 1 when there is none. */
export function route(channel: RouteQuestion['channel'], peer: string, options: RouteOptions): void {
  const { account = null, group, dm, text = '' } = options;
  const kind = group ? 'group' : dm ? 'dm' : null;
  const explained = explainRoute({ channel, peer, kind, account, text }, options);
  printResult(explained, options, describe);
  if (explained.agents.length === 0) process.exitCode = NOBODY_EXIT;
}

function describe({ channel, account, peer, agents, panel, reason, wake }: RouteExplanation): string {
  const chat = `${peer.kind === 'group' ? 'the group' : 'the chat with'} ${oneLine(peer.id)}`;
  return [
    `In ${chat} on ${channel}, account ${account}:`,
    `  Answered by: ${mark('strong', agents.length === 0 ? 'nobody' : inOrder(agents))}`,
    `  Because:     ${reason}`,
    ...(wake && agents.length > 0 ? describeWake(wake) : []),
    ...(panel ? describePanel(panel, agents) : []),
  ].join('\n');
}

function describeWake({ byText, patterns }: NonNullable<RouteExplanation['wake']>): string[] {
  const fitting = patterns.map(({ agent, pattern }) => `${agent} by the mention pattern ${oneLine(pattern)}`);
  if (fitting.length > 0) return [`  Woken:       ${fitting.join(', ')}`];
  return [
    `  Woken:       ${byText ? 'by name' : 'only by a mention of the account or a reply to it: no mention pattern fits'}`,
  ];
}

/** `Alfred (alfred) and Clara (clara), then Bärbel (baerbel)`. */
function inOrder(agents: Agents): string {
  const ranks = Map.groupBy(agents, ({ rank }) => rank);
  return [...ranks.values()].map((same) => same.map(({ id, name }) => `${name} (${id})`).join(' and ')).join(', then ');
}

function describePanel({ strategy, activation, selector, shared }: Panel, [leader]: Agents): string[] {
  return [
    ...(selector === null ? [] : [`  Chosen by:   the model of ${selector}, for each message`]),
    ...(shared
      ? [`  Together:    in at most ${shared.rounds} round(s), led by ${leader?.id ?? 'nobody'}`]
      : [`  Strategy:    ${strategy}`]),
    ...(shared?.judge ? [`  Judge:       ${judgeOf(shared.judge)}`] : []),
    ...(activation === null ? [] : [`  Activation:  ${activation}`]),
  ];
}

/** `merge`, `first` or `quorum of 2`. */
export function judgeOf(judge: NonNullable<NonNullable<Panel['shared']>['judge']>): string {
  return judge.mode === 'quorum' ? `quorum of ${judge.of}` : judge.mode;
}
