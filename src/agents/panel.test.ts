import { tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  DOWN,
  idOf,
  openWorld,
  PERSON,
  type Script,
  script,
  type World,
  type WorldOptions,
} from '../../test/support/agents.ts';
import { messageId } from '../domain/addresses.ts';
import type { Panel, RoutingRules } from '../domain/routing.ts';
import { startTrace } from '../domain/trace.ts';
import { ConfinedFiles } from '../sandbox/confined-files.ts';
import { Workspace } from '../sandbox/workspace.ts';
import { SqliteDiscussions } from '../store/groups.ts';
import { panelGroup } from './groups.ts';

const ROUND_MS = 120_000;

const PANEL: Panel = {
  peer: PERSON,
  agents: ['Atlas', 'Nova', 'Bolt'].map((name) => ({ id: idOf(name), priority: 0 })),
  strategy: 'parallel',
  selection: null,
  shared: null,
  activation: null,
};

const rules = (panel: Partial<Panel>): RoutingRules => ({
  panels: [{ ...PANEL, ...panel }],
  bindings: [],
  defaultAgent: null,
});

const says =
  (what: string): Script =>
  ({ prompt }) =>
    prompt.startsWith('[close') ? `summary of ${what}` : what;

const withPanel = (panel: Partial<Panel>, more: Partial<WorldOptions> = {}): Promise<World> =>
  openWorld({
    routing: rules(panel),
    ...more,
    agents: { Atlas: says('atlas'), Nova: says('nova'), Bolt: says('bolt'), ...more.agents },
  });

/** Who said what in the chat, in order. */
const spoken = (world: World): readonly string[] => world.said.map(({ speaker, text }) => `${speaker.name}: ${text}`);
const turnsOf = (world: World, agent: string) => world.turns.filter((turn) => turn.agent === agent);
const ALL = ['Atlas: atlas', 'Bolt: bolt', 'Nova: nova'];

describe('a panel', () => {
  it('[BRD-02] every agent answers, each from a memory of its own', async () => {
    await using world = await withPanel({});
    await world.tell('Atlas', 'one');
    await world.tell('Atlas', 'two');
    expect([...spoken(world)].sort()).toEqual(ALL.flatMap((line) => [line, line]));
    for (const agent of ['Atlas', 'Nova', 'Bolt']) {
      expect(turnsOf(world, agent).at(-1)?.messages).toEqual(['one', agent.toLowerCase(), 'two']);
    }
    expect(world.spool.stats().deliveries).toMatchObject({ queued: 0, blocked: 0, failed: 0 });
  });

  it('[BRD-02] they think at the same time', async () => {
    const waiting: (() => void)[] = [];
    const together = (name: string): Script => {
      return () =>
        new Promise((resolve) => {
          waiting.push(() => resolve(name));
          // Nobody answers before all are asked.
          if (waiting.length === 3) for (const answer of waiting) answer();
        });
    };
    const agents = { Atlas: together('atlas'), Nova: together('nova'), Bolt: together('bolt') };
    await using world = await withPanel({}, { agents });
    await world.tell('Atlas', 'hello');
    expect([...spoken(world)].sort()).toEqual(ALL);
  });

  it.each(['parallel', 'sequential'] as const)(
    '[BRD-02] one that fails for good stops nobody (%s)',
    async (strategy) => {
      const broken: Script = () => {
        throw new Error('broken');
      };
      await using world = await withPanel({ strategy }, { agents: { Nova: broken } });
      await world.tell('Atlas', 'hello');
      for (let i = 0; i < 12; i++) await world.pass(60_000);
      expect(spoken(world)).toContain('Atlas: atlas');
      expect(spoken(world)).toContain('Bolt: bolt');
      expect(world.spool.deadLetters()).toMatchObject([{ report: { to: 'agent:nova' } }]);
    },
  );

  it('[BRD-03] in sequence each begins when the one before is done, also over a restart in the middle', async () => {
    const order: string[] = [];
    const noting =
      (name: string): Script =>
      () => {
        order.push(name);
        return name;
      };
    const agents = { Atlas: noting('atlas'), Nova: noting('nova'), Bolt: noting('bolt') };
    const before = await withPanel({ strategy: 'sequential' }, { agents, away: ['Nova'] });
    await before.tell('Atlas', 'hello');
    expect(order).toEqual(['atlas']);
    await before.stop();
    const folder = { path: before.db.path.replace(/\/[^/]*$/, ''), remove: () => undefined };
    await using after = await withPanel({ strategy: 'sequential' }, { agents, folder, clock: before.clock });
    await after.idle();
    expect(order).toEqual(['atlas', 'nova', 'bolt']);
  });

  it('[BRD-07] those of a higher priority answer before the others', async () => {
    const agents = PANEL.agents.map((agent, index) => ({ ...agent, priority: index === 2 ? 9 : 0 }));
    await using world = await withPanel({ agents });
    await world.tell('Atlas', 'hello');
    expect(spoken(world)[0]).toBe('Bolt: bolt');
    expect(world.turns[0]?.agent).toBe('Bolt');
    expect(spoken(world)).toHaveLength(3);
  });

  it('[BRD-05] who is named answers alone; an agent may stay silent', async () => {
    await using world = await withPanel({}, { agents: { Nova: () => 'NO_REPLY' } });
    await world.tell('Atlas', 'hello @bolt!');
    expect(spoken(world)).toEqual(['Bolt: bolt']);
    await world.tell('Atlas', 'hello @boltzmann');
    expect([...spoken(world)].sort()).toEqual(['Atlas: atlas', 'Bolt: bolt', 'Bolt: bolt']);
  });

  it('[BRD-02] [PRV-03] in sequence one without a provider holds the others up for as long as a round, and answers later', async () => {
    let up = false;
    const agents = { Atlas: () => (up ? 'atlas' : DOWN) };
    await using world = await withPanel({ strategy: 'sequential' }, { agents });
    await world.tell('Atlas', 'hello');
    await world.pass(60_000);
    expect(spoken(world)).toEqual([expect.stringContaining('None of my AI providers')]);
    await world.pass(60_000);
    expect(spoken(world).slice(1)).toEqual(['Nova: nova', 'Bolt: bolt']);
    // What comes next need not wait for as long again.
    await world.tell('Atlas', 'and now?');
    await world.pass(ROUND_MS);
    expect(
      spoken(world)
        .slice(3)
        .filter((line) => !line.includes('providers')),
    ).toEqual(['Nova: nova', 'Bolt: bolt']);
    up = true;
    await world.pass(60_000);
    expect(spoken(world).slice(-2)).toEqual(['Atlas: atlas', 'Atlas: atlas']);
    expect(turnsOf(world, 'Atlas').at(-1)?.messages).toEqual(['hello', 'atlas', 'and now?']);
    expect(world.spool.stats().deliveries).toMatchObject({ queued: 0, blocked: 0, failed: 0 });
  });

  it('[BRD-02] [ADM-01] a command is answered once', async () => {
    await using world = await withPanel({}, { admins: [PERSON] });
    await world.tell('Atlas', '!status');
    expect(world.said).toHaveLength(1);
  });

  it.each([
    ['in a discussion', { shared: { rounds: 1, judgement: null } }],
    ['where another one chooses', { selection: { rules: [], otherwise: [], selector: idOf('Bolt') } }],
    ['that no rule leaves to anybody', { selection: { rules: [], otherwise: [], selector: null } }],
  ])('[BRD-02] [ADM-01] a command is answered once, too, %s', async (_where, panel) => {
    await using world = await withPanel(panel, { admins: [PERSON] });
    expect(await world.say('Atlas', '!status')).toBe('accepted');
    await world.idle();
    expect(world.said).toHaveLength(1);
    expect(world.turns).toEqual([]);
  });
});

describe('a panel whose agents choose', () => {
  const selection = {
    rules: [{ words: ['invoice'], agents: [idOf('Nova')] }],
    otherwise: [idOf('Bolt')],
    selector: null,
  };

  it('[BRD-07] by rules: the words of a message say who answers', async () => {
    await using world = await withPanel({ selection });
    await world.tell('Atlas', 'Where is my Invoice?');
    await world.tell('Atlas', 'hello');
    expect(spoken(world)).toEqual(['Nova: nova', 'Bolt: bolt']);
  });

  const choosing = (...names: string[]): Script =>
    script({
      '[choose who answers]': async (turn) => {
        if (names.length > 0) await turn.use('choose_agents', { agents: names });
        return 'NO_REPLY';
      },
      '': 'atlas',
    });

  it('[BRD-07] by a model: it chooses, and those whom it chose answer', async () => {
    const panel = { selection: { rules: [], otherwise: [], selector: idOf('Atlas') } };
    await using world = await withPanel(panel, { agents: { Atlas: choosing('nova', 'Nobody') } });
    await world.tell('Atlas', 'hello');
    expect(spoken(world)).toEqual(['Nova: nova']);
    expect(turnsOf(world, 'Atlas')).toHaveLength(1);
    expect(turnsOf(world, 'Atlas')[0]?.prompt).toContain('- Nova');
  });

  it('[BRD-07] a model that chooses nobody, or is not there for a while, leaves nobody without an answer', async () => {
    const panel = { selection: { rules: [], otherwise: [], selector: idOf('Atlas') } };
    let up = false;
    const choose = choosing();
    await using world = await withPanel(panel, { agents: { Atlas: (turn) => (up ? choose(turn) : DOWN) } });
    await world.tell('Atlas', 'hello');
    expect(spoken(world)).toEqual([]);
    up = true;
    await world.pass(60_000);
    expect([...spoken(world)].sort()).toEqual(ALL);
  });
});

describe('a panel whose model cannot choose', () => {
  it('[BRD-07] [PRV-03] is a panel of which all answer, after as long as a round may take', async () => {
    const panel = { selection: { rules: [], otherwise: [], selector: idOf('Atlas') } };
    const down: Script = ({ prompt }) => (prompt.startsWith('[choose') ? DOWN : 'atlas');
    await using world = await withPanel(panel, { agents: { Atlas: down } });
    await world.tell('Atlas', 'hello');
    await world.pass(ROUND_MS / 2);
    expect(spoken(world)).toEqual([]);
    await world.pass(ROUND_MS / 2);
    expect([...spoken(world)].sort()).toEqual(ALL);
  });
});

describe('a panel whose agents hear each other', () => {
  it('[BRD-07] in rounds: each knows what was said, and says it in the chat', async () => {
    await using world = await withPanel({ shared: { rounds: 2, judgement: null } });
    await world.tell('Atlas', 'What is best?');
    expect([...spoken(world)].sort()).toEqual(ALL.flatMap((line) => [line, line]));
    expect(turnsOf(world, 'Nova').at(-1)?.prompt).toContain('Bolt: bolt');
    expect(world.turns.some(({ prompt }) => prompt.startsWith('[close'))).toBe(false);
    await world.tell('Atlas', 'And now?');
    expect(spoken(world)).toHaveLength(12);
  });

  it('[BRD-07] a judge merges what they say into one answer', async () => {
    await using world = await withPanel({ shared: { rounds: 1, judgement: { mode: 'merge' } } });
    await world.tell('Atlas', 'What is best?');
    expect(spoken(world)).toEqual(['Atlas: summary of atlas']);
    const closing = turnsOf(world, 'Atlas').at(-1)?.prompt ?? '';
    for (const said of ['Atlas: atlas', 'Nova: nova', 'Bolt: bolt']) expect(closing).toContain(said);
  });

  it('[BRD-07] with a quorum it does not wait for the rest', async () => {
    await using world = await withPanel(
      { shared: { rounds: 1, judgement: { mode: 'quorum', of: 2 } } },
      { away: ['Bolt'] },
    );
    await world.tell('Atlas', 'What is best?');
    expect(spoken(world)).toEqual(['Atlas: summary of atlas']);
  });

  it('[BRD-07] the first good answer is the answer', async () => {
    await using world = await withPanel(
      { shared: { rounds: 1, judgement: { mode: 'first' } } },
      { agents: { Atlas: () => 'NO_REPLY', Nova: () => 'NO_REPLY' } },
    );
    await world.tell('Atlas', 'What is best?');
    expect(spoken(world)).toEqual(['Bolt: bolt']);
  });

  it.each([
    ['alone with them', {}, true],
    ['who mentions them in a group', { addressed: true }, true],
    ['who names them in a group', { addressed: false, text: '@Atlas and @Nova, what is best?' }, true],
    ['who speaks to others in a group', { addressed: false }, false],
  ])('[BRD-07] [TRC-02] that each leave the word to the others: somebody %s is told', async (_who, said, isTold) => {
    const { text = 'What is best?', addressed } = { text: undefined, addressed: undefined, ...said };
    const silent: Script = () => 'NO_REPLY';
    const peer = { kind: 'group', id: 'people@g.us' } as const;
    await using world = await openWorld({
      routing: rules({ peer: '*', activation: 'always', shared: { rounds: 3, judgement: { mode: 'merge' } } }),
      agents: { Atlas: silent, Nova: silent, Bolt: silent },
    });
    await world.tell('Atlas', text, addressed === undefined ? {} : { peer, addressed });
    expect(spoken(world)).toEqual(isTold ? ['Atlas: None of us has an answer to that.'] : []);
    expect(world.spool.stats().deliveries).toMatchObject({ blocked: 0, leased: 0, failed: 0 });
  });

  it('[BRD-07] [TRC-02] what the budget does not reach for is not begun, and the person hears it', async () => {
    const budget = { turns: 3, tokens: null, microUsd: null };
    await using world = await withPanel({ shared: { rounds: 5, judgement: null } }, { budget });
    await world.tell('Atlas', 'What is best?');
    expect(world.turns).toEqual([]);
    expect(world.heard().at(-1)).toContain('budget');
  });
});

describe('what the agents of a panel that hear each other have of their own', () => {
  const shared = { rounds: 2, judgement: null };
  const GROUP = { kind: 'group', id: 'people@g.us' } as const;
  const read = tool({ inputSchema: z.object({}), execute: async () => 'a secret' });
  const reading: Script = async ({ use }) => String(await use('read', {}));
  const messagesOf = (world: World, agent: string) => turnsOf(world, agent).at(-1)?.messages;

  it('[BRD-02] [CNV-01] a memory: of what was said to them, what they said, and what the others did', async () => {
    await using world = await withPanel({ shared: { rounds: 1, judgement: null } });
    await world.tell('Atlas', 'My name is Zoltan.');
    await world.tell('Atlas', '@Nova, what is my name?');
    expect(messagesOf(world, 'Nova')).toEqual(
      expect.arrayContaining(['My name is Zoltan.', 'nova', 'Atlas: atlas', 'Bolt: bolt', '@Nova, what is my name?']),
    );
    await world.tell('Atlas', 'And yours?');
    const [last, ...before] = [...(messagesOf(world, 'Nova') ?? [])].reverse();
    expect(last).toContain('Question: And yours?');
    expect(before).toHaveLength(6);
    expect(before.filter((text) => text === 'And yours?')).toEqual([]);
  });

  it('[BRD-02] [WHA-05] what is said in a burst is one question, and is remembered a line each', async () => {
    await using world = await withPanel({ shared: { rounds: 1, judgement: null } }, { debounceMs: 1_000 });
    for (const text of ['What is best?', 'For the heart, I mean.']) await world.say('Atlas', text);
    await world.pass(1_000);
    expect(spoken(world)).toHaveLength(3);
    expect(turnsOf(world, 'Bolt')[0]?.prompt).toContain('Question: What is best?\nFor the heart, I mean.');
    await world.say('Atlas', '@Atlas?');
    await world.pass(1_000);
    expect(messagesOf(world, 'Atlas')?.filter((text) => text.includes('For the heart'))).toEqual([
      'For the heart, I mean.',
    ]);
  });

  it('[BRD-05] what was said in the group before, to others', async () => {
    await using world = await openWorld({
      routing: rules({ peer: GROUP.id, shared: { rounds: 1, judgement: null } }),
      activation: 'mention',
      agents: { Atlas: says('atlas'), Nova: says('nova'), Bolt: says('bolt') },
    });
    await world.tell('Atlas', 'The cake is in the oven.', { peer: GROUP, addressed: false });
    await world.pass(1_000);
    await world.tell('Atlas', 'Where is it?', { peer: GROUP, addressed: true });
    for (const agent of ['Atlas', 'Nova', 'Bolt']) {
      expect(turnsOf(world, agent)[0]?.prompt).toContain('The cake is in the oven.');
    }
    await world.tell('Atlas', 'And now?', { peer: GROUP, addressed: true });
    expect(turnsOf(world, 'Nova').at(-1)?.prompt).not.toContain('The cake is in the oven.');
  });

  it('[BRD-02] [TOL-01] their tools, but for those with which they would talk to each other', async () => {
    const names: string[][] = [];
    const looking: Script = (turn) => {
      names.push([...turn.tools]);
      return reading(turn);
    };
    await using world = await withPanel(
      { shared },
      {
        agents: { Nova: looking },
        extraTools: () => ({ read }),
        fileSending: () => ({
          workspace: new Workspace(new ConfinedFiles('/nowhere')),
          ...{ maxBytes: 0, refusal: () => null, keep: async () => '' },
        }),
        toolPolicy: { allow: ['fs', 'messaging', 'groups'] },
      },
    );
    await world.tell('Atlas', 'What is in it?');
    expect(names).toEqual([
      ['read', 'send_file'],
      ['read', 'send_file'],
    ]);
    expect(spoken(world).filter((line) => line === 'Nova: a secret')).toHaveLength(2);
  });

  it('[TOL-03] a call that waits for approval: it is asked for, and what comes of it is said', async () => {
    const asking = script({ '[approved: read]': 'It is a secret.', '[group': reading });
    await using world = await withPanel(
      { shared: { rounds: 1, judgement: null } },
      {
        agents: { Nova: asking },
        admins: [PERSON],
        extraTools: () => ({ read }),
        toolPolicy: { allow: ['read'], approve: ['read'] },
      },
    );
    await world.tell('Atlas', 'What is in it?');
    expect(world.heard().join()).toContain('!approve 1');
    await world.tell('Atlas', '!approve 1');
    expect(spoken(world).at(-1)).toBe('Nova: It is a secret.');
  });

  it('[TRC-01] a group that only says that it is one has none of it', async () => {
    await using world = await withPanel({ shared }, { extraTools: () => ({ read }), toolPolicy: { allow: ['read'] } });
    await world.tell('Atlas', '@Nova, my name is Zoltan.');
    const [asked] = world.messages();
    const place = { channel: 'test', account: idOf('Atlas'), peer: { kind: 'dm', id: PERSON } } as const;
    const roster = ['Eve', 'Nova'].map((name) => ({ id: idOf(name), name }));
    const id = panelGroup(idOf('Eve'), place, roster);
    const group = { groupId: id, groupName: 'people' };
    const trace = startTrace(asked?.id ?? messageId('none'), idOf('Eve'));
    const update = { id, name: 'people', purpose: '', host: idOf('Eve'), members: roster, version: 1 };
    await world.post('Eve', 'Nova', { intent: 'group-update', payload: { group: update }, group });
    const round = { discussion: 'msg_eve', question: 'Who is it?', askedBy: 'person', round: 1, rounds: 1 };
    await world.post('Eve', 'Nova', { intent: 'group', payload: round, group, trace });
    const last = turnsOf(world, 'Nova').at(-1);
    expect([last?.messages, last?.tools]).toEqual([['[group "people" round 1 of 1]\nQuestion: Who is it?'], []]);
  });
});

describe('discussions of a panel at the same time, and after a while', () => {
  const merged = { shared: { rounds: 1, judgement: { mode: 'merge' } } } as const;
  const SILENCE = 'None of us has an answer to that.';

  it('[BRD-07] [RUN-04] a question that was put before Parley was down for long is answered when it is back', async () => {
    const before = await withPanel(merged, { away: ['Nova', 'Bolt'] });
    await before.tell('Atlas', 'What is best?');
    await before.stop();
    before.clock.advance(10 * ROUND_MS);
    const folder = { path: before.db.path.replace(/\/[^/]*$/, ''), remove: () => undefined };
    await using after = await withPanel(merged, { folder, clock: before.clock });
    await after.idle();
    expect(spoken(after)).toEqual(['Atlas: summary of atlas']);
    const closing = turnsOf(after, 'Atlas').at(-1)?.prompt;
    for (const line of ['Nova: nova', 'Bolt: bolt']) expect(closing).toContain(line);
  });

  it('[BRD-07] a member that has others to answer first is waited for', async () => {
    const worlds: World[] = [];
    const slow: Script = () => {
      worlds[0]?.clock.advance(12_000);
      return 'nova';
    };
    const discussion = { rounds: 1, roundTimeoutMs: 20_000 };
    await using world = await withPanel(merged, { agents: { Nova: slow }, discussion });
    worlds.push(world);
    for (const text of ['one', 'two', 'three', 'four']) await world.say('Atlas', text);
    await world.idle();
    for (let round = 0; round < 10; round++) await world.pass(20_000);
    expect(spoken(world)).toEqual(Array(4).fill('Atlas: summary of atlas'));
    const closings = turnsOf(world, 'Atlas').filter(({ prompt }) => prompt.startsWith('[close'));
    for (const { prompt } of closings) expect(prompt).toContain('Nova: nova');
    expect(spoken(world)).not.toContain(`Atlas: ${SILENCE}`);
  });

  it('[BRD-07] one that is in no process is not waited for without end', async () => {
    await using world = await withPanel(merged, { away: ['Bolt'] });
    await world.tell('Atlas', 'What is best?');
    for (let round = 0; round < 6; round++) await world.pass(ROUND_MS);
    expect(spoken(world)).toEqual(['Atlas: summary of atlas']);
  });

  it('[BRD-07] those with whom one began go on with it, whoever the next message is for', async () => {
    let answer = (_: string): void => undefined;
    const waits: Script = ({ prompt }) =>
      prompt.includes('round 1 of 2')
        ? new Promise((resolve) => {
            answer = resolve;
          })
        : 'bolt again';
    await using world = await withPanel({ shared: { rounds: 2, judgement: null } }, { agents: { Bolt: waits } });
    await world.say('Atlas', 'What is best?');
    await world.until(() => turnsOf(world, 'Bolt').length === 1);
    await world.say('Atlas', '@Atlas and @Nova, what is worst?');
    await world.until(() => turnsOf(world, 'Nova').length === 3);
    answer('bolt at last');
    await world.idle();
    expect(spoken(world)).toEqual(expect.arrayContaining(['Bolt: bolt at last', 'Bolt: bolt again']));
    expect(turnsOf(world, 'Nova')).toHaveLength(4);
    expect(world.audit.tail(9)).toEqual([]);
  });

  it('[BRD-07] what is said in one is not taken for said in the other, nor in the same round', async () => {
    const about =
      (name: string): Script =>
      ({ prompt }) =>
        `${name} on ${/Question: (\w+)/.exec(prompt)?.[1]}`;
    const agents = { Atlas: about('atlas'), Nova: about('nova'), Bolt: about('bolt') };
    await using world = await withPanel({ shared: { rounds: 2, judgement: null } }, { agents });
    for (const text of ['Tea?', 'Cake?']) await world.say('Atlas', text);
    await world.idle();
    const second = world.turns.filter(({ prompt }) => prompt.includes('round 2 of 2'));
    expect(second).toHaveLength(6);
    for (const { prompt } of second) {
      const [question] = /(?<=Question: )\w+/.exec(prompt) ?? [];
      const said = [...prompt.matchAll(/\w+ on (\w+)/g)].map(([, what]) => what);
      expect(said).toEqual([question, question, question]);
    }
    expect(spoken(world)).toHaveLength(12);
  });

  it('[BRD-07] [SEC-01] they are no groups of which anybody hears elsewhere', async () => {
    await using world = await openWorld({
      routing: rules({ peer: '*', ...merged }),
      agents: { Atlas: says('atlas'), Nova: says('nova'), Bolt: says('bolt') },
    });
    const name = `Divorce ${'x'.repeat(200)}`;
    await world.tell('Atlas', 'Hello.', { peer: { kind: 'group', id: 'people@g.us', name } });
    expect(spoken(world)).toEqual(['Atlas: summary of atlas']);
    await world.tell('Atlas', '@Nova?', { sender: 'somebody' });
    expect(turnsOf(world, 'Nova').at(-1)?.system).not.toContain('Divorce');
    expect(world.groups.list(idOf('Atlas'))).toEqual([]);
  });

  it('[BRD-07] what is over is forgotten with its messages, and the next question finds its members', async () => {
    await using world = await withPanel(merged);
    const groups = (): unknown => world.db.prepare('SELECT count(*) AS n FROM agent_group').get();
    const discussions = new SqliteDiscussions(world.db);
    await world.tell('Atlas', 'What is best?');
    await discussions.purge();
    expect(groups()).toEqual({ n: 3 });
    await world.pass(2 * ROUND_MS);
    await world.spool.cleanup(world.clock.now());
    await discussions.purge();
    expect(groups()).toEqual({ n: 0 });
    expect(world.db.prepare('SELECT count(*) AS n FROM discussion').get()).toEqual({ n: 0 });
    await world.tell('Atlas', 'And now?');
    expect(spoken(world)).toEqual(['Atlas: summary of atlas', 'Atlas: summary of atlas']);
  });

  it('[BRD-07] [TRC-02] the turn of whoever chooses is taken from the budget', async () => {
    const choosing: Script = script({ '[choose who answers]': 'Nova', '': 'atlas' });
    const panel = { selection: { rules: [], otherwise: [], selector: idOf('Atlas') } };
    const budget = { turns: 5, tokens: null, microUsd: null };
    await using world = await withPanel(panel, { agents: { Atlas: choosing }, budget });
    await world.tell('Atlas', 'hello');
    expect(
      world.messages().find(({ id, payload }) => payload.type === 'chat.in' && id !== world.messages()[0]?.id),
    ).toMatchObject({
      trace: { budget: { turns: 4 } },
    });
  });

  it('[BRD-05] [CNV-01] in a group they remember who has said what to them', async () => {
    await using world = await openWorld({
      routing: rules({ peer: 'people@g.us' }),
      agents: { Atlas: says('atlas'), Nova: says('nova'), Bolt: says('bolt') },
    });
    const peer = { kind: 'group', id: 'people@g.us' } as const;
    await world.tell('Atlas', 'I take the plum.', { peer, sender: 'ann' });
    await world.tell('Atlas', 'Who takes what?', { peer, sender: 'bob' });
    expect(turnsOf(world, 'Nova').at(-1)?.messages).toEqual(['ann: I take the plum.', 'nova', 'bob: Who takes what?']);
  });
});

describe('a panel whose agents hear each other, when some cannot answer', () => {
  const refused = { kind: 'refused', tried: [{ provider: 'openai', kind: 'refused', detail: 'no' }] } as const;
  const NO_ANSWER = 'I cannot answer: my provider refused to answer this (openai: refused).';
  const judged = (mode: 'first' | 'merge') => ({ rounds: 1, judgement: { mode } }) as const;

  it.each([
    ['without a judge, once', { rounds: 3, judgement: null }, ['Nova: nova', `Bolt: ${NO_ANSWER}`]],
    ['with a judge', judged('merge'), [`Atlas: summary of atlas\n\nBolt: ${NO_ANSWER}`]],
  ] as const)('[BRD-02] it is said who, and the others go on: %s', async (_how, shared, said) => {
    await using world = await withPanel({ shared }, { agents: { Bolt: () => refused } });
    await world.tell('Atlas', 'What is best?');
    for (const line of said) expect(spoken(world)).toContain(line);
    expect(spoken(world).filter((line) => line.includes('cannot answer'))).toHaveLength(1);
  });

  it.each([['first'], ['merge']] as const)('[BRD-02] [BRD-07] it is said when none can (%s)', async (mode) => {
    const agents = { Atlas: () => refused, Nova: () => refused, Bolt: () => 'NO_REPLY' };
    await using world = await withPanel({ shared: judged(mode) }, { agents });
    await world.tell('Atlas', 'What is best?');
    expect(world.said.map(({ text }) => text.split('\n\n').sort())).toEqual([
      [`Atlas: ${NO_ANSWER}`, `Nova: ${NO_ANSWER}`],
    ]);
  });

  it.each([
    ['first', ['Nova: nova'], []],
    ['merge', [], [expect.stringMatching(/^Atlas: .*Nova: nova/s)]],
  ] as const)(
    '[BRD-07] [PRV-03] the one that leads has no provider: the others are heard (%s)',
    async (mode, atOnce, later) => {
      const agents = { Atlas: () => DOWN, Bolt: () => 'NO_REPLY' };
      await using world = await withPanel({ shared: judged(mode) }, { agents });
      await world.tell('Atlas', 'What is best?');
      expect(spoken(world)).toEqual(atOnce);
      for (let half = 0; half < 4; half++) await world.pass(ROUND_MS / 2);
      expect(spoken(world).slice(atOnce.length)).toEqual(later);
      expect(world.spool.stats().deliveries).toMatchObject({ queued: 0, blocked: 0, failed: 0 });
    },
  );

  it('[BRD-07] [TRC-02] a budget that reaches for some of the rounds: it is said so', async () => {
    const budget = { turns: 7, tokens: null, microUsd: null };
    await using world = await withPanel({ shared: { rounds: 5, judgement: null } }, { budget });
    await world.tell('Atlas', 'What is best?');
    expect(spoken(world).at(-1)).toContain('The discussion ended after round 2 of 5');
  });
});

describe('a panel in a group that it answers in when it is spoken to', () => {
  const GROUP = { kind: 'group', id: 'people@g.us', name: 'People' } as const;
  const inGroup = (panel: Partial<Panel> = {}, agents: Partial<WorldOptions['agents']> = {}): Promise<World> =>
    openWorld({
      routing: rules({ ...panel, peer: GROUP.id }),
      activation: 'mention',
      mentionPatterns: { nova: ['\\bnova\\b'], bolt: ['\\bbolt\\b', 'engine'] },
      agents: { Atlas: says('atlas'), Nova: says('nova'), Bolt: says('bolt'), ...agents },
    });
  const said = async (world: World, text: string, addressed = false): Promise<readonly string[]> => {
    const before = world.said.length;
    await world.tell('Atlas', text, { peer: GROUP, addressed });
    // What is said later is said at another time.
    await world.pass(1_000);
    return spoken(world).slice(before).sort();
  };

  it('[BRD-05] a mention pattern wakes whose it is, and nobody else', async () => {
    await using world = await inGroup();
    expect(await said(world, 'What is wrong with the engine?')).toEqual(['Bolt: bolt']);
    expect(await said(world, 'nova, the engine?')).toEqual(['Bolt: bolt', 'Nova: nova']);
    expect(await said(world, 'What is new?')).toEqual([]);
    expect(await said(world, 'innovation')).toEqual([]);
  });

  it('[BRD-05] a mention of the account wakes all, patterns or not; a name chooses even then', async () => {
    await using world = await inGroup();
    expect(await said(world, 'What is new?', true)).toEqual(ALL);
    expect(await said(world, 'What of the engine?', true)).toEqual(ALL);
    expect(await said(world, '@Atlas, what of the engine?', true)).toEqual(['Atlas: atlas']);
  });

  it('[BRD-05] [WHA-05] who is mentioned by an id is named to those who answer, and called by no name', async () => {
    await using world = await inGroup();
    const mentions = { 900100: 'Nova', 800001: 'Atlas @Nova @Bolt' };
    // A person who is called like an agent, and one who is called like none.
    await world.tell('Atlas', '@900100 @900104 look', { peer: GROUP, addressed: false, mentions });
    expect(world.turns).toEqual([]);
    await world.pass(1_000);
    await world.tell('Atlas', '@800001 and @900100, look', { peer: GROUP, addressed: true, mentions });
    expect([...spoken(world)].sort()).toEqual(ALL);
    const prompt =
      '[said in the group before, to others]\nperson: @Nova @900104 look\n\nperson: @Atlas @Nova @Bolt and @Nova, look';
    expect(world.turns.map((turn) => turn.prompt)).toEqual([prompt, prompt, prompt]);
    expect(world.messages()[0]?.body).toBe('@Atlas @Nova @Bolt and @Nova, look');
  });

  it('[BRD-05] patterns choose nobody where all answer anyhow', async () => {
    await using world = await inGroup({ activation: 'always' });
    expect(await said(world, 'What of the engine?')).toEqual(ALL);
    await using direct = await withPanel({}, { mentionPatterns: { bolt: ['engine'] } });
    await direct.tell('Atlas', 'What of the engine?');
    expect([...spoken(direct)].sort()).toEqual(ALL);
  });

  it('[BRD-05] a pattern wakes who would not be chosen by a rule', async () => {
    const selection = { rules: [{ words: ['engine'], agents: [idOf('Atlas')] }], otherwise: [], selector: null };
    await using world = await inGroup({ selection });
    expect(await said(world, 'What of the engine?')).toEqual(['Bolt: bolt']);
  });

  it('[BRD-05] those who sleep hear what was said to the others, once, and never what was said to them', async () => {
    await using world = await inGroup();
    await said(world, 'Hello all.');
    await said(world, 'What of the engine?');
    await said(world, '@nova, and you?');
    await said(world, 'What is new?', true);
    const prompts = (agent: string) => turnsOf(world, agent).map(({ prompt }) => prompt);
    const heard = (...lines: string[]) =>
      ['[said in the group before, to others]', ...lines.map((line) => `person: ${line}`), '', ''].join('\n');
    const last = 'person: What is new?';
    expect(prompts('Bolt')).toEqual([
      `${heard('Hello all.')}person: What of the engine?`,
      `${heard('@nova, and you?')}${last}`,
    ]);
    expect(prompts('Nova')).toEqual([`${heard('Hello all.', 'What of the engine?')}person: @nova, and you?`, last]);
    expect(prompts('Atlas')).toEqual([`${heard('Hello all.', 'What of the engine?', '@nova, and you?')}${last}`]);
  });

  it.each([
    ['a rule', { rules: [{ words: ['crash'], agents: [idOf('Atlas')] }], otherwise: [idOf('Nova')], selector: null }],
    ['a model', { rules: [], otherwise: [], selector: idOf('Bolt') }],
    ['nobody', { rules: [{ words: ['when'], agents: [idOf('Nova')] }], otherwise: [], selector: null }],
  ])('[BRD-05] [BRD-07] who is not meant, as %s has it, hears it all the same', async (_who, selection) => {
    const choose: Script = async (turn) => {
      await turn.use('choose_agents', { agents: [turn.prompt.includes('crash') ? 'Atlas' : 'Nova'] });
      return 'NO_REPLY';
    };
    await using world = await inGroup({ selection, activation: 'always' }, { Bolt: choose });
    await said(world, 'It was a crash, at noon.');
    await said(world, 'And when was it?');
    expect(turnsOf(world, 'Nova').map(({ prompt }) => prompt)).toEqual([
      '[said in the group before, to others]\nperson: It was a crash, at noon.\n\nperson: And when was it?',
    ]);
  });

  it('[BRD-05] [BRD-07] whoever a model chooses among those who are called hears the message once', async () => {
    const selection = { rules: [], otherwise: [], selector: idOf('Atlas') };
    const choose: Script = async (turn) => {
      if (!turn.prompt.includes('[choose')) return 'atlas';
      await turn.use('choose_agents', { agents: ['Nova'] });
      return 'NO_REPLY';
    };
    await using world = await inGroup({ selection }, { Atlas: choose });
    expect(await said(world, '@nova and @bolt, what is new?')).toEqual(['Nova: nova']);
    expect(turnsOf(world, 'Nova').map(({ prompt }) => prompt)).toEqual(['person: @nova and @bolt, what is new?']);
  });

  it('[BRD-05] the pattern of an agent that is alone on its number wakes it', async () => {
    await using world = await openWorld({
      activation: 'mention',
      mentionPatterns: { atlas: ['oracle'] },
      agents: { Atlas: says('atlas') },
    });
    expect(await said(world, 'Where is it?')).toEqual([]);
    expect(await said(world, 'Ask the oracle.')).toEqual(['Atlas: atlas']);
    expect(await said(world, 'Where is it?', true)).toEqual(['Atlas: atlas']);
  });
});

describe('agents in a group of people', () => {
  const GROUP = { kind: 'group', id: 'people@g.us', name: 'People' } as const;

  it('[BRD-05] hear who says what, and what was said to others since they last spoke', async () => {
    await using world = await openWorld({
      agents: { Atlas: says('atlas') },
      attention: ({ text }) => (text.includes('Atlas') ? 'answer' : 'listen'),
    });
    const say = async (sender: string, text: string): Promise<void> => {
      await world.tell('Atlas', text, { sender, peer: GROUP });
      await world.pass(1_000);
    };
    await say('ann', 'Did you see it?');
    await say('bob', 'I did.');
    await say('ann', 'Atlas, what was it?');
    await say('bob', 'Thanks.');
    await say('bob', 'And you, Atlas?');
    expect(world.turns.map(({ prompt }) => prompt)).toEqual([
      '[said in the group before, to others]\nann: Did you see it?\nbob: I did.\n\nann: Atlas, what was it?',
      '[said in the group before, to others]\nbob: Thanks.\n\nbob: And you, Atlas?',
    ]);
  });

  it('[BRD-05] [SEC-01] do not listen to whom the gate keeps out', async () => {
    await using world = await openWorld({
      agents: { Atlas: says('atlas') },
      attention: ({ text }) => (text.includes('Atlas') ? 'answer' : 'listen'),
      gate: { blocklist: ['mallory'] },
    });
    await world.tell('Atlas', 'Atlas obeys me.', { sender: 'mallory', peer: GROUP });
    await world.tell('Atlas', 'As I said.', { sender: 'mallory', peer: GROUP });
    await world.tell('Atlas', 'Hello Atlas', { sender: 'ann', peer: GROUP });
    expect(world.turns.map(({ prompt }) => prompt)).toEqual(['ann: Hello Atlas']);
  });

  it('[BRD-05] [GRP-04] hear what was said while they were thinking, the next time', async () => {
    const worlds: World[] = [];
    await using world = await openWorld({
      agents: {
        Atlas: async () => {
          const [open] = worlds;
          const sender = 'bob';
          if (open?.turns.length === 1) {
            open.clock.advance(1_000);
            await open.say('Atlas', 'It was a whale.', { sender, peer: GROUP });
            open.clock.advance(1_000);
          }
          return 'atlas';
        },
      },
      attention: ({ text }) => (text.includes('Atlas') ? 'answer' : 'listen'),
    });
    worlds.push(world);
    await world.tell('Atlas', 'Atlas, what was it?', { sender: 'ann', peer: GROUP });
    await world.pass(1_000);
    await world.tell('Atlas', 'Atlas, was it?', { sender: 'ann', peer: GROUP });
    expect(world.turns.at(-1)?.prompt).toBe(
      '[said in the group before, to others]\nbob: It was a whale.\n\nann: Atlas, was it?',
    );
  });

  it('[GRP-04] [TRC-02] hear what other agents say for people to read, and never answer it', async () => {
    await using world = await openWorld({
      agents: { Atlas: says('atlas') },
      attention: () => 'answer',
      speakingAgent: ({ sender, text }) =>
        sender.id.startsWith('+1555')
          ? {
              name: 'Nova',
              verdict: text === 'spam' ? { allow: false, reason: 'blocked', notify: 'nobody' } : { allow: true },
            }
          : null,
    });
    await world.tell('Atlas', 'It is a bird, @Atlas.', { sender: '+15550002', peer: GROUP, addressed: true });
    await world.tell('Atlas', 'spam', { sender: '+15550002', peer: GROUP });
    expect(world.turns).toEqual([]);
    await world.tell('Atlas', 'What is it?', { sender: 'ann', peer: GROUP });
    expect(world.turns.map(({ prompt }) => prompt)).toEqual([
      '[said in the group before, to others]\nNova: It is a bird, @Atlas.\n\nann: What is it?',
    ]);
    expect(world.audit.tail(10)).toEqual([]);
  });
});
