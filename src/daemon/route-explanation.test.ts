import { describe, expect, it } from 'vitest';
import { ParleyError } from '../domain/errors.ts';
import { directoryWith } from './config/config-fixtures.ts';
import { explainRoute, type RouteExplanation, type RouteQuestion } from './route-explanation.ts';

const FILE = `{
  provider: 'demo',
  platforms: ['local', 'whatsapp'],
  whatsapp: { groups: ['1@g.us'] },
  agents: { main: {}, alfred: { name: 'Alfred' }, baerbel: {}, clara: {} },
  routing: {
    defaultAgentId: 'main',
    accounts: ['main', 'clara'],
    broadcast: {
      strategy: 'sequential',
      Team: ['alfred', 'baerbel'],
      '+1 555 0100': { agents: ['alfred', 'clara'], shared: true, judge: 'merge', activation: 'always' },
      Bugs: {
        agents: ['alfred', 'baerbel', { id: 'clara', priority: 1 }],
        strategy: 'parallel',
        select: { rules: [{ words: ['crash'], agents: ['alfred', 'clara'] }], otherwise: [] },
      },
      Desk: { agents: ['alfred', 'baerbel'], select: { by: 'main' } },
    },
    bindings: [
      { agentId: 'clara', match: { channel: 'whatsapp' } },
      { agentId: 'baerbel', match: { channel: 'whatsapp', accountId: 'clara' } },
      { agentId: 'alfred', match: { peer: { kind: 'dm', id: '+15550123' } } },
    ],
  },
}`;
const OF_ITS_OWN = "{ provider: 'demo', agents: { main: {}, clara: {} } }";

function explain(peer: string, asked: Partial<RouteQuestion> = {}, file = FILE): RouteExplanation {
  const cwd = directoryWith({ 'parley.json5': file });
  return explainRoute({ channel: 'local', peer, kind: null, account: null, text: '', ...asked }, {}, { env: {}, cwd });
}
const whoOf = (...question: Parameters<typeof explain>): string[] =>
  explain(...question).agents.map(({ id, rank }) => `${id} ${rank}`);

describe('who handles a message', () => {
  it('[BRD-06] without routing: the agent whose account it is', () => {
    expect(explain('+15550100', { account: 'clara' }, OF_ITS_OWN)).toEqual({
      channel: 'local',
      account: 'clara',
      peer: { kind: 'dm', id: '+15550100' },
      agents: [{ id: 'clara', name: 'clara', rank: 0 }],
      reason: 'it has the account clara',
      panel: null,
      wake: null,
    });
  });

  it('[BRD-04] a panel before everything else, with how it works', () => {
    expect(explain('team')).toEqual({
      channel: 'local',
      account: 'main',
      peer: { kind: 'group', id: 'team' },
      agents: [
        { id: 'alfred', name: 'Alfred', rank: 0 },
        { id: 'baerbel', name: 'baerbel', rank: 1 },
      ],
      reason: 'they are on the panel for Team',
      panel: { peer: 'Team', strategy: 'sequential', activation: null, selector: null, shared: null },
      wake: null,
    });
    const shared = { rounds: 2, judge: { mode: 'merge' } };
    expect(explain('15550100@s.whatsapp.net').panel).toMatchObject({ activation: 'always', shared });
    expect(explain('Desk').panel).toMatchObject({ selector: 'main' });
  });

  it('[BRD-07] by what is said, and by priority', () => {
    expect(whoOf('Bugs', { text: 'It CRASHED.' })).toEqual(['clara 0', 'alfred 1']);
    expect(whoOf('Bugs', { text: '@Baerbel, look' })).toEqual(['baerbel 0']);
    expect(whoOf('Bugs', { text: 'Hello' })).toEqual([]);
  });

  it.each<[string, Partial<RouteQuestion>, string]>([
    ['+15550123', { channel: 'whatsapp' }, 'alfred'],
    ['+15550124', { channel: 'whatsapp' }, 'clara'],
    ['+15550124', { channel: 'whatsapp', account: 'clara' }, 'baerbel'],
    ['+15550124', {}, 'main'],
    // The binding is for the person, and this is a group that is called so.
    ['+15550123', { kind: 'group' }, 'main'],
    ['1@g.us', { channel: 'whatsapp' }, 'clara'],
    ['7@lid', {}, 'main'],
  ])('[BRD-04] the most specific binding, else the default: %s, %j', (peer, asked, agent) => {
    expect(whoOf(peer, asked)).toEqual([`${agent} 0`]);
  });

  it('[BRD-07] nobody, and why, where no rule fits', () => {
    const reason = 'for the panel for Bugs no rule fits, and `otherwise` names nobody';
    expect(explain('Bugs', { text: 'Hello' })).toMatchObject({ agents: [], reason });
  });

  const NOT_LISTED = 'the group is not in whatsapp.groups by this id or name, and no panel or binding names it';
  const NOBODY = { agents: [], panel: null, wake: null };
  const ON_WHATSAPP = { channel: 'whatsapp' } as const;
  const whatsApp = (settings: string): string =>
    `{provider: 'demo', platforms: ['local', 'whatsapp'], agents: {ann: {}}, ${settings}}`;

  it('[BRD-04] [WHA-01] on WhatsApp, in a group that nobody lists, nobody', () => {
    expect(explain('2@g.us', ON_WHATSAPP)).toMatchObject({ ...NOBODY, reason: NOT_LISTED });
    expect(explain('Friends', { ...ON_WHATSAPP, text: '@ann' }, whatsApp(''))).toMatchObject({
      ...NOBODY,
      reason: NOT_LISTED,
    });
    const everywhere = "bindings: [{agentId: 'ann', match: {group: '*'}}]";
    expect(explain('Friends', ON_WHATSAPP, whatsApp(everywhere))).toMatchObject({ ...NOBODY, reason: NOT_LISTED });
  });

  it.each([
    ['a list', "whatsapp: {groups: ['friends']}"],
    ['a list of all', "whatsapp: {groups: ['all']}"],
    ['a binding', "bindings: [{agentId: 'ann', match: {group: 'Friends'}}]"],
    ['a panel', "broadcast: {Friends: ['ann']}"],
    ['a panel for all', "broadcast: {'*': ['ann']}"],
  ])('[BRD-04] [WHA-01] there it is answered by %s', (_what, settings) => {
    expect(whoOf('Friends', ON_WHATSAPP, whatsApp(settings))).toEqual(['ann 0']);
  });

  it('[BRD-04] a group on the chat page needs no list', () => {
    expect(whoOf('Friends', {}, whatsApp(''))).toEqual(['ann 0']);
  });

  it.each<[string, string, string]>([
    ["{blocklist: ['15550109@s.whatsapp.net']}", '+1 555 0109', 'they are on security.blocklist'],
    ["{allowlist: ['+15550100']}", '+15550109', 'there is a security.allowlist, and they are not on it'],
    ['{maxMessageLength: 4}', '+15550109', 'that is longer than security.maxMessageLength'],
  ])('[SEC-01] nobody answers whom the gate keeps out: %s', (security, peer, reason) => {
    const file = whatsApp(`security: ${security}`);
    for (const channel of ['local', 'whatsapp'] as const) {
      expect(explain(peer, { channel, text: 'Hello' }, file)).toMatchObject({ ...NOBODY, reason });
    }
    expect(whoOf('+15550100', { text: 'Hi' }, file)).toEqual(['ann 0']);
    expect(whoOf('Friends', { text: 'Hi' }, file)).toEqual(['ann 0']);
  });

  const PATTERNS = `{
    provider: 'demo',
    platforms: ['local', 'whatsapp'],
    agents: {
      alfred: { name: 'Alfred', mentionPatterns: ['\\\\bbutler\\\\b', 'dinner'] },
      baerbel: { groupChat: { mentionPatterns: ['dinner'] } },
      clara: {},
    },
    routing: {
      broadcast: { Team: ['alfred', 'baerbel', 'clara'], Open: { agents: ['alfred', 'baerbel'], activation: 'always' } },
    },
  }`;
  const by = (agent: string, ...patterns: string[]) => patterns.map((pattern) => ({ agent, pattern }));

  it.each([
    [
      'Is it time for DINNER, butler?',
      ['alfred', 'baerbel'],
      [...by('alfred', '\\bbutler\\b', 'dinner'), ...by('baerbel', 'dinner')],
    ],
    ['The butl\u200ber did it.', ['alfred'], by('alfred', '\\bbutler\\b')],
    ['@clara, is there dinner?', ['clara'], []],
  ])('[BRD-05] in a group on WhatsApp, the patterns that wake: %s', (text, agents, patterns) => {
    const explained = explain('Team', { channel: 'whatsapp', text }, PATTERNS);
    expect(explained.agents.map(({ id }) => id)).toEqual(agents);
    expect(explained.wake).toEqual({ byText: true, patterns });
  });

  it('[BRD-05] where nobody is woken by the text, all are by a mention of the account', () => {
    const explained = explain('Team', { channel: 'whatsapp', text: 'Hello' }, PATTERNS);
    expect(explained.agents).toHaveLength(3);
    expect(explained.wake).toEqual({ byText: false, patterns: [] });
  });

  it('[BRD-05] patterns do not matter where they answer always, nor in the chat of a person', () => {
    for (const [peer, channel] of [
      ['Open', 'whatsapp'],
      ['Team', 'local'],
      ['+15550100', 'whatsapp'],
    ] as const) {
      expect(explain(peer, { channel, text: 'dinner' }, PATTERNS).wake).toBe(null);
    }
    expect(whoOf('Open', { channel: 'whatsapp', text: 'butler' }, PATTERNS)).toEqual(['alfred 0', 'baerbel 0']);
  });

  it.each([
    ['+1 (555) 0100', 'dm'],
    ['7@lid', 'dm'],
    ['1@g.us', 'group'],
    ['Team', 'group'],
  ])('[CLI-02] %s is taken for a %s', (peer, kind) => {
    expect(explain(peer).peer.kind).toBe(kind);
  });

  it('[CLI-02] what cannot be answered is an error that says what to do', () => {
    const error = (run: () => unknown): unknown => {
      try {
        return run();
      } catch (thrown) {
        return thrown;
      }
    };
    expect(error(() => explain('x', { account: 'mian' }))).toMatchObject({
      code: 'AGENT_UNKNOWN',
      hint: "Did you mean 'main'?",
    });
    expect(error(() => explain('x', { channel: 'whatsapp' }, OF_ITS_OWN))).toMatchObject({
      code: 'CONFIG_INVALID',
      hint: 'Set PLATFORM=local,whatsapp.',
    });
    expect(error(() => explain('x', {}, '{routing: 5}'))).toBeInstanceOf(ParleyError);
  });
});
