import { describe, expect, it } from 'vitest';
import { refused, type Start, started } from './config-fixtures.ts';
import { linkedAccounts } from './whatsapp.ts';

const ABC = 'provider: "demo", agents: {alfred: {}, baerbel: {phone: "+15550102"}, clara: {}}';
const file = (text: string): Start => ({ files: { 'parley.json5': `{${text}}` } });
const routed = (text: string): Start => file(`${ABC}, routing: {${text}}`);
const routing = (how: Start) => started(how).config.routing;
/** The panel that this entry of `broadcast` makes. */
const panel = (entry: string) => routing(routed(`broadcast: {G: ${entry}}`))?.panels[0];

/** What the broadcast-groups proposal has as its example, and the agents that it does not describe. */
const PROPOSAL = `
  routing: {
    defaultAgentId: 'main',
    broadcast: {
      strategy: 'parallel',
      '120363403215116621@g.us': ['code-formatter', 'security-scanner', 'docs-checker'],
      '+15555550123': ['support-en', 'support-de', 'support-es'],
    },
    agents: {
      'code-formatter': {
        name: 'Code Formatter', workspace: '/path/to/formatter', sandbox: { mode: 'all' }, tools: { allow: ['read', 'write'] },
      },
      'security-scanner': {
        name: 'Security Scanner', workspace: '/path/to/security', sandbox: { mode: 'all' }, tools: { allow: ['read', 'bash'] },
      },
      'docs-checker': {
        name: 'Documentation Checker', workspace: '/path/to/docs', sandbox: { mode: 'all' }, tools: { allow: ['read'] },
      },
      OTHERS
    },
  }`;
const OTHERS = "main: {}, 'support-en': {}, 'support-de': {}, 'support-es': {},";
const proposal = (others: string): Start => file(`provider: 'demo', ${PROPOSAL.replace('OTHERS', others)}`);

describe('routing', () => {
  it('[BRD-06] without any, each agent answers on an account of its own', () => {
    const { config } = started(file(`${ABC}, routing: {ackReaction: ''}`));
    expect(config).toMatchObject({ routing: null, accounts: ['alfred', 'baerbel', 'clara'], ackReaction: null });
    expect(started({}).config.accounts).toEqual(['atlas_001', 'nova_001', 'bolt_001']);
  });

  it('[BRD-01] the example of the proposal loads, with the agents that it leaves out', () => {
    const { config, warnings } = started(proposal(OTHERS));
    expect(warnings).toEqual([]);
    const members = (...ids: string[]) => ids.map((id) => ({ id, priority: 0 }));
    const panelOf = { strategy: 'parallel', selection: null, shared: null, activation: null };
    expect(config.routing).toEqual({
      panels: [
        {
          ...panelOf,
          peer: '120363403215116621@g.us',
          agents: members('code-formatter', 'security-scanner', 'docs-checker'),
        },
        { ...panelOf, peer: '+15555550123', agents: members('support-en', 'support-de', 'support-es') },
      ],
      bindings: [],
      defaultAgent: 'main',
    });
    expect(config.accounts).toEqual(['main']);
    expect(config.agents.find(({ id }) => id === 'security-scanner')).toMatchObject({
      name: 'Security Scanner',
      workspace: '/path/to/security',
      sandbox: { mode: 'all' },
      tools: { allow: ['read', 'bash'] },
    });
  });

  it('[BRD-04] as it stands, the four agents that it leaves out are told', () => {
    expect(refused(proposal('')).message.match(/there is no such agent/g)).toHaveLength(4);
  });

  it('[BRD-01] both shapes mean the same', () => {
    const agents = "[{id: 'alfred'}, {id: 'baerbel'}]";
    const broadcast = "{strategy: 'sequential', G: ['alfred', 'baerbel']}";
    const bindings = "[{agentId: 'alfred', match: {channel: 'local', peer: {kind: 'dm', id: '+1 555 0100'}}}]";
    const above = started(
      file(`provider: 'demo', agents: {list: ${agents}}, broadcast: ${broadcast}, bindings: ${bindings}`),
    );
    const below = started(
      file(`provider: 'demo', routing: {agents: ${agents}, broadcast: ${broadcast}, bindings: ${bindings}}`),
    );
    const { routing, agents: listed, accounts } = above.config;
    expect(below.config).toMatchObject({ routing, agents: listed, accounts });
    expect(routing).toMatchObject({
      panels: [{ peer: 'G', strategy: 'sequential' }],
      bindings: [{ agent: 'alfred', match: { channel: 'local', peer: { kind: 'dm', id: '+1 555 0100' } } }],
      defaultAgent: null,
    });
  });

  it('[BRD-04] a binding without a match is for everything; accountId and account are the same', () => {
    const bindings = `[{agentId: 'clara'}, {agentId: 'baerbel', match: {accountId: 'alfred', group: 'Team'}},
      {agentId: 'alfred', match: {account: 'alfred', peer: {id: 'x@g.us'}}}]`;
    expect(routing(routed(`bindings: ${bindings}`))?.bindings).toEqual([
      { agent: 'clara', match: {} },
      { agent: 'baerbel', match: { account: 'alfred', group: 'Team' } },
      { agent: 'alfred', match: { account: 'alfred', peer: { id: 'x@g.us' } } },
    ]);
  });

  it.each([
    ['the first agent', "broadcast: {G: ['clara']}", ['alfred']],
    ['the default agent', "defaultAgentId: 'clara'", ['clara']],
    ['those that are named', "accounts: ['clara', 'alfred'], defaultAgentId: 'baerbel'", ['clara', 'alfred']],
  ])('[BRD-01] the account is that of %s', (_what, text, accounts) => {
    expect(started(routed(text)).config.accounts).toEqual(accounts);
  });

  it('[BRD-01] [WHA-01] phones are linked for accounts, and for no other agent', () => {
    const { config } = started(routed("accounts: ['baerbel']"));
    expect(linkedAccounts(config)).toEqual([{ id: 'baerbel', phone: '+15550102' }]);
  });

  it('[BRD-05] the acknowledgement may be another emoji', () => {
    expect(started(routed("defaultAgentId: 'clara'")).config.ackReaction).toBe('👀');
    expect(started(routed("ackReaction: '👍🏽'")).config.ackReaction).toBe('👍🏽');
  });

  it('[BRD-05] mention patterns, of each agent, where others have them, and of those who have none', () => {
    const patternsOf = (text: string) =>
      started(file(`provider: 'demo', ${text}`)).config.agents.map(({ mentionPatterns }) =>
        mentionPatterns.map(({ source }) => source),
      );
    const agents = `{list: [{id: 'a', mentionPatterns: ['one', '\\\\bone\\\\b']}, {id: 'b', groupChat: {mentionPatterns: ['two']}},
      {id: 'c'}, {id: 'd', mentionPatterns: []}]}`;
    expect(patternsOf(`agents: ${agents}`)).toEqual([['one', '\\bone\\b'], ['two'], [], []]);
    expect(patternsOf(`agents: ${agents}, messages: {groupChat: {mentionPatterns: ['@?bot']}}`)).toEqual([
      ['one', '\\bone\\b'],
      ['two'],
      ['@?bot'],
      [],
    ]);
    const [first] = started(file("provider: 'demo', agents: {a: {mentionPatterns: ['cl[aä]ude']}}")).config.agents;
    expect(first?.mentionPatterns.map((pattern) => pattern.test('Hey CLÄUDE!'))).toEqual([true]);
  });

  it('[BRD-01] [BRD-05] who is given a group answers in it, without naming it twice', () => {
    const groups = (text: string) =>
      started({ ...routed(text), env: { PLATFORM: 'whatsapp' } }).config.whatsapp?.groups;
    const bindings = `bindings: [{agentId: 'clara', match: {group: '2@g.us'}}, {agentId: 'clara', match: {peer: {id: 'Team'}}},
      {agentId: 'clara', match: {peer: {kind: 'dm', id: 'ann'}}}, {agentId: 'clara', match: {peer: {id: '7@lid'}}},
      {agentId: 'clara', match: {group: '*'}}, {agentId: 'alfred', match: {group: 'Team'}}]`;
    expect(groups(bindings)).toEqual(['2@g.us', 'Team']);
  });

  it('[BRD-01] [WHA-02] the Cloud API takes many agents on its one number', () => {
    const env = {
      PLATFORM: 'whatsapp',
      WHATSAPP_MODE: 'cloud-api',
      WHATSAPP_PHONE_NUMBER_ID: '1066',
      WHATSAPP_ACCESS_TOKEN: 'a',
      WHATSAPP_APP_SECRET: 'b',
      WHATSAPP_VERIFY_TOKEN: 'c',
    };
    expect(started({ ...routed("broadcast: {'*': ['alfred', 'clara']}"), env }).config.accounts).toEqual(['alfred']);
    expect(refused({ ...routed("accounts: ['alfred', 'clara']"), env }).message).toMatch(/has one number/);
  });
});

describe('a panel', () => {
  it('[BRD-01] [BRD-07] as it is when only its agents are named', () => {
    const plain = {
      peer: 'G',
      agents: [
        { id: 'clara', priority: 0 },
        { id: 'alfred', priority: 0 },
      ],
      strategy: 'parallel',
      selection: null,
      shared: null,
      activation: null,
    };
    expect(panel("['clara', 'alfred']")).toEqual(plain);
    expect(panel("{agents: ['clara', 'alfred']}")).toEqual(plain);
  });

  it('[BRD-07] can have priorities, a strategy and an activation of its own', () => {
    const entry = "{agents: ['clara', {id: 'alfred', priority: 5}], strategy: 'sequential', activation: 'always'}";
    expect(panel(entry)).toMatchObject({
      agents: [
        { id: 'clara', priority: 0 },
        { id: 'alfred', priority: 5 },
      ],
      strategy: 'sequential',
      activation: 'always',
    });
  });

  it.each([
    ['shared: true', { rounds: 2, judgement: null }],
    ['shared: {rounds: 3}', { rounds: 3, judgement: null }],
    ['shared: true, judge: "merge"', { rounds: 2, judgement: { mode: 'merge' } }],
    ['judge: "first"', { rounds: 1, judgement: { mode: 'first' } }],
    ['judge: {quorum: 2}', { rounds: 1, judgement: { mode: 'quorum', of: 2 } }],
  ])('[BRD-07] with %s', (text, shared) => {
    expect(panel(`{agents: ['clara', 'alfred'], ${text}}`)?.shared).toEqual(shared);
  });

  it('[BRD-07] can be chosen from, by rules or by an agent, who need not be one of them', () => {
    const rules = "rules: [{words: ['bug', 'error'], agents: ['clara']}]";
    const entry = (select: string) => `{agents: ['clara', 'alfred'], select: {${select}}}`;
    const rule = { words: ['bug', 'error'], agents: ['clara'] };
    expect(panel(entry(rules))?.selection).toEqual({ rules: [rule], otherwise: ['clara', 'alfred'], selector: null });
    expect(panel(entry(`${rules}, otherwise: []`))?.selection).toMatchObject({ rules: [rule], otherwise: [] });
    expect(panel(entry("by: 'baerbel'"))?.selection).toMatchObject({ rules: [], selector: 'baerbel' });
  });

  it('[BRD-07] has at most ten agents, unless more are allowed', () => {
    const ids = Array.from({ length: 11 }, (_, index) => `a${index}`);
    const agents = `provider: 'demo', agents: [${ids.map((id) => `{id: '${id}'}`)}]`;
    const names = ids.map((id) => `'${id}'`).join();
    expect(refused(file(`${agents}, broadcast: {G: [${names}]}`)).message).toMatch(
      /broadcast\.G: names 11 agents, and a panel has at most 10\. .* maxAgents: 11 }/,
    );
    const { config } = started(file(`${agents}, broadcast: {G: {agents: [${names}], maxAgents: 11}}`));
    expect(config.routing?.panels[0]?.agents).toHaveLength(11);
  });

  it('[BRD-04] for everybody counts only where there is no other', () => {
    const panels = routing(routed("broadcast: {'*': ['clara'], G: ['alfred']}"))?.panels;
    expect(panels?.map(({ peer }) => peer)).toEqual(['G', '*']);
  });
});

describe('what is refused of routing', () => {
  const entry = (text: string): Start => routed(`broadcast: {G: ${text}}`);
  const cases: [string, Start, RegExp][] = [
    [
      'a misspelt agent',
      entry("['alfed']"),
      /routing\.broadcast\.G\.0: there is no such agent\. .*did you mean "alfred"/,
    ],
    [
      'an unheard-of agent',
      entry("{agents: ['hush']}"),
      /routing\.broadcast\.G\.agents\.0: .*There is alfred, baerbel, clara\./,
    ],
    ['an agent twice', entry("['alfred', 'clara', {id: 'alfred'}]"), /broadcast\.G\.2: this agent is there already/],
    ['a panel of nobody', entry('[]'), /broadcast\.G: names no agent/],
    ['the same, written out', entry('{agents: []}'), /broadcast\.G\.agents: names no agent/],
    ['a panel that is a number', entry('5'), /broadcast\.G: must be a list/],
    ['a panel without agents', entry('{}'), /broadcast\.G\.agents: must be a list/],
    ['an agent that is a number', entry('[5]'), /broadcast\.G\.0: must be 1 to 64/],
    ['a misspelt setting of a panel', entry("{agents: ['clara'], jugde: 'merge'}"), /G\.jugde: .*Did you mean "judge"/],
    [
      'a misspelt setting of an agent of it',
      entry("[{id: 'clara', prioritiy: 1}]"),
      /G\.0\.prioritiy: .*Did you mean "priority"/,
    ],
    ['an unknown strategy', entry("{agents: ['clara'], strategy: 'paralel'}"), /strategy: .*did you mean "parallel"/],
    [
      'the same for all',
      routed("broadcast: {strategy: 'serial'}"),
      /routing\.broadcast\.strategy: is not a known strategy/,
    ],
    [
      'a quorum of more than there are',
      entry("{agents: ['clara'], judge: {quorum: 2}}"),
      /G\.judge: 2 agents .* only 1/,
    ],
    ['an unknown judge', entry("{agents: ['clara'], judge: 'merg'}"), /G\.judge: .*did you mean "merge"/],
    ['shared: false', entry("{agents: ['clara'], shared: false}"), /G\.shared: must be true, or/],
    ['no way to select', entry("{agents: ['clara'], select: {}}"), /G\.select: says neither by rules nor by whom/],
    [
      'two ways to select',
      entry("{agents: ['clara'], select: {by: 'alfred', otherwise: []}}"),
      /G\.select: is both by an agent and by rules/,
    ],
    [
      'a rule for somebody else',
      entry("{agents: ['clara'], select: {rules: [{words: ['x'], agents: ['alfred']}]}}"),
      /select\.rules\.0\.agents\.0: this agent is not on the panel\. There is clara\./,
    ],
    [
      'somebody else otherwise',
      entry("{agents: ['clara'], select: {rules: [], otherwise: ['alfred']}}"),
      /select\.otherwise\.0: this agent is not on the panel/,
    ],
    [
      'a selector that is not there',
      entry("{agents: ['clara'], select: {by: 'baebel'}}"),
      /G\.select\.by: there is no such agent\. .*"baerbel"/,
    ],
    [
      'two panels for one person',
      routed("broadcast: {'+1 555 0100': ['clara'], '15550100@s.whatsapp.net': ['alfred']}"),
      /broadcast\.15550100@s\.whatsapp\.net: this peer has a panel already/,
    ],
    ['a panel for no peer', routed("broadcast: {' ': ['clara']}"), /broadcast\. : names no peer/],
    [
      'a binding of no agent',
      routed('bindings: [{match: {}}]'),
      /routing\.bindings\.0\.agentId: must be the id of an agent/,
    ],
    [
      'a binding of an unknown agent',
      file(`${ABC}, bindings: [{agentId: 'clare'}]`),
      /parley\.json5: bindings\.0\.agentId: there is no such agent\. .*"clara"/,
    ],
    [
      'a binding on another channel',
      routed("bindings: [{agentId: 'clara', match: {channel: 'telegram'}}]"),
      /bindings\.0\.match\.channel: is not a known channel\. Known: local, whatsapp/,
    ],
    [
      'a binding for an agent without an account',
      routed("bindings: [{agentId: 'clara', match: {accountId: 'clara'}}]"),
      /bindings\.0\.match\.accountId: there is no such account\. There is alfred\./,
    ],
    [
      'a binding with two accounts',
      routed("bindings: [{agentId: 'clara', match: {accountId: 'alfred', account: 'alfred'}}]"),
      /bindings\.0\.match: names an account and an accountId/,
    ],
    [
      'a misspelt match',
      routed("bindings: [{agentId: 'clara', match: {chanel: 'local'}}]"),
      /match\.chanel: .*Did you mean "channel"/,
    ],
    ['an unknown default', routed("defaultAgentId: 'clra'"), /routing\.defaultAgentId: .*"clara"/],
    ['an unknown account', routed("accounts: ['clara', 'clra']"), /routing\.accounts\.1: .*"clara"/],
    ['an account twice', routed("accounts: ['clara', 'clara']"), /routing\.accounts\.1: this agent is there already/],
    ['no account', routed('accounts: []'), /routing\.accounts: names nobody/],
    ['words for an emoji', routed("ackReaction: 'seen'"), /routing\.ackReaction: must be one emoji/],
    [
      'bindings in two places',
      file(`${ABC}, bindings: [], routing: {bindings: []}`),
      /parley\.json5: bindings: the same is set as routing\.bindings\. Keep one/,
    ],
    [
      'broadcast in two places',
      file(`${ABC}, broadcast: {}, routing: {broadcast: {}}`),
      /broadcast: the same is set as routing\.broadcast/,
    ],
    ['agents in two places', routed('agents: {x: {}}'), /parley\.json5: agents: the same is set as routing\.agents/],
    [
      'the one of the environment and many',
      { ...file('routing: {agents: {x: {}}}'), env: { AGENT_NAME: 'Atlas', AI_PROVIDER: 'demo' } },
      /AGENT_NAME: the same is set as routing\.agents/,
    ],
    [
      'a mention pattern that is none',
      file("provider: 'demo', agents: {list: [{id: 'a', groupChat: {mentionPatterns: ['ok', '(hush']}}]}"),
      /parley\.json5: agents\.list\.0\.groupChat\.mentionPatterns\.1: is not a regular expression: missing closing \)\. Correct it/,
    ],
    [
      'a mention pattern that can take for ever',
      file("provider: 'demo', agents: {a: {mentionPatterns: ['(?<!hush)a']}}"),
      /agents\.a\.mentionPatterns\.0: looks around or back, .* write it without/,
    ],
    [
      'a mention pattern for every message',
      file("provider: 'demo', agents: {a: {}}, messages: {groupChat: {mentionPatterns: ['a|']}}"),
      /messages\.groupChat\.mentionPatterns\.0: fits every message; .* activation/,
    ],
    [
      'a mention pattern that is too long',
      file(`provider: 'demo', agents: {a: {mentionPatterns: ['${'hush'.repeat(200)}']}}`),
      /agents\.a\.mentionPatterns\.0: must have at most 500 characters/,
    ],
    [
      'mention patterns in two places',
      file("provider: 'demo', agents: {a: {mentionPatterns: ['a'], groupChat: {mentionPatterns: ['a']}}}"),
      /agent a: has both mentionPatterns and groupChat\.mentionPatterns/,
    ],
    ['a misspelt setting', routed('bidnings: []'), /routing\.bidnings: .*Did you mean "bindings"/],
    [
      'a misspelt setting of an agent',
      file('provider: "demo", routing: {agents: {x: {wrokspace: "."}}}'),
      /routing\.agents\.x\.wrokspace: .*Did you mean "workspace"/,
    ],
  ];

  it.each(cases)('[BRD-04] %s', (_what, how, expected) => {
    const error = refused(how);
    expect(error.message).toMatch(expected);
    expect(error.message).toMatch(/^The configuration has a problem:\n- [^\n]+$/);
    expect(`${error.message}${error.stack}`).not.toMatch(/hush/);
  });

  it('[BRD-04] a peer is only ever a name', () => {
    expect(routing(routed("broadcast: {'__proto__': ['clara'], constructor: ['alfred']}"))?.panels).toMatchObject([
      { peer: 'constructor' },
    ]);
  });
});
