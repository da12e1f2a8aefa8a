import { tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DOWN, idOf, openWorld, PERSON, type Script, script, type World } from '../../test/support/agents.ts';
import { messageId } from '../domain/addresses.ts';
import { startTrace } from '../domain/trace.ts';
import { ConfinedFiles } from '../sandbox/confined-files.ts';
import { Workspace } from '../sandbox/workspace.ts';
import { SqliteDiscussions } from '../store/groups.ts';
import { panelGroup } from './groups.ts';

import { ALL, ROUND_MS, rules, says, spoken, turnsOf, withPanel } from './panel.fixture.ts';

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
