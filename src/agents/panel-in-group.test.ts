import { describe, expect, it } from 'vitest';
import { idOf, openWorld, type Script, type World, type WorldOptions } from '../../test/support/agents.ts';
import type { Panel } from '../domain/routing.ts';

import { ALL, rules, says, spoken, turnsOf, withPanel } from './panel.fixture.ts';

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
