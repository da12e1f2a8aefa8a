import { describe, expect, it } from 'vitest';
import { DOWN, idOf, openWorld, type Script, script, type Turn, type World } from '../../test/support/agents.ts';
import type { Group } from '../domain/group.ts';

const QUESTION = 'What is best?';
const ROUND_MS = 120_000;

/** Creates the group when told to, puts the question when asked, sums up at the end. */
const host = (summary: Script | string = 'In short: tea.'): Script =>
  script({
    'create group': async (turn) => {
      await turn.use('create_group', { name: 'Research', members: ['Nova', 'Bolt'] });
      return 'Done.';
    },
    '[close the discussion': summary,
    'ask:': async (turn) => {
      for (const text of turn.prompt.replace('ask:', '').split('|')) {
        await turn.use('group_message', { group: 'Research', text: text.trim() });
      }
      return 'I have asked them.';
    },
  });

/** Says the same in every round, with the number of the round. */
const saying =
  (what: string): Script =>
  ({ prompt }) =>
    `${what} ${/round (\d)/.exec(prompt)?.[1]}`;

async function withGroup(options: Partial<Parameters<typeof openWorld>[0]> = {}): Promise<World> {
  const world = await openWorld({
    ...options,
    agents: { Atlas: host(), Nova: saying('tea'), Bolt: saying('cake'), ...options.agents },
  });
  await world.tell('Atlas', 'create group');
  return world;
}

const ask = (world: World, question = QUESTION): Promise<void> => world.tell('Atlas', `ask: ${question}`);
const groupOf = (world: World): Group => {
  const [group] = world.groups.list(idOf('Atlas'));
  if (!group) throw new Error('no group');
  return group;
};
const turnsOf = (world: World, agent: string): readonly Turn[] => world.turns.filter((turn) => turn.agent === agent);
const closings = (world: World): readonly Turn[] => world.turns.filter(({ prompt }) => prompt.includes('[close the'));
const groupLines = (world: World): readonly string[] =>
  world.said.filter(({ peer }) => peer.kind === 'group').map(({ speaker, text }) => `${speaker.name}: ${text}`);

describe('a discussion in a group', () => {
  it('[GRP-03] asks every member, lets each hear the others, and ends with one summary for the person', async () => {
    await using world = await withGroup();
    await ask(world);
    const [first, second] = turnsOf(world, 'Nova');
    expect(first?.prompt).toBe(`[group "Research" round 1 of 2]\nQuestion: ${QUESTION}`);
    expect(second?.prompt).toContain('round 2 of 2');
    expect(second?.prompt).toContain('Bolt: cake 1');
    expect(turnsOf(world, 'Bolt')[1]?.prompt).toContain('Nova: tea 1');
    expect(turnsOf(world, 'Bolt')).toHaveLength(2);
    const [closing, another] = closings(world);
    for (const line of ['Nova: tea 1', 'Nova: tea 2', 'Bolt: cake 1', 'Bolt: cake 2', QUESTION])
      expect(closing?.prompt).toContain(line);
    expect(another).toBeUndefined();
    expect(world.heard()).toEqual(['Done.', 'I have asked them.', 'In short: tea.']);
  });

  it('[GRP-03] the members are asked in parallel: none waits for another', async () => {
    const gates = new Map<string, () => void>();
    const together =
      (name: string): Script =>
      () =>
        new Promise((resolve) => {
          gates.set(name, () => resolve(name));
          // Only once both are asked does either answer.
          if (gates.size === 2) for (const open of gates.values()) open();
        });
    const agents = { Nova: together('tea'), Bolt: together('cake') };
    await using world = await withGroup({ agents, discussion: { rounds: 1, roundTimeoutMs: ROUND_MS } });
    await ask(world);
    expect(world.heard().at(-1)).toBe('In short: tea.');
  });

  it('[GRP-03] every envelope between them is signed and sealed', async () => {
    await using world = await withGroup();
    await ask(world);
    const envelopes = world.messages().filter(({ payload }) => payload.type === 'envelope');
    expect(envelopes.length).toBeGreaterThan(6);
    for (const { body } of envelopes) {
      expect(JSON.parse(body)).toMatchObject({ auth: { algorithm: 'sha256' } });
      expect(body).not.toMatch(/best|tea|cake/);
    }
  });

  it('[GRP-04] the chat of the group shows who said what', async () => {
    await using world = await withGroup();
    await ask(world);
    const [question, ...lines] = groupLines(world);
    expect(question).toBe(`Atlas: ${QUESTION}`);
    expect([...lines].sort()).toEqual(['Bolt: cake 1', 'Bolt: cake 2', 'Nova: tea 1', 'Nova: tea 2']);
  });

  it('[GRP-04] a channel without groups shows only the question and its summary', async () => {
    await using world = await withGroup({ groupChats: false });
    await ask(world);
    expect(groupLines(world)).toEqual([]);
    expect(world.heard().at(-1)).toBe('In short: tea.');
  });

  it('[GRP-04] a question that is typed into the group’s chat is discussed and answered there', async () => {
    await using world = await withGroup();
    const { id, name } = groupOf(world);
    await world.tell('Atlas', QUESTION, { peer: { kind: 'group', id, name } });
    expect(turnsOf(world, 'Nova')[0]?.prompt).toContain(QUESTION);
    expect(groupLines(world)).toHaveLength(5);
    expect(groupLines(world).at(-1)).toBe('Atlas: In short: tea.');
    expect(world.heard()).toEqual(['Done.']);
  });

  it('[GRP-05] a member may stay silent: nothing is shown of it, and the discussion goes on', async () => {
    await using world = await withGroup({ agents: { Nova: () => 'NO_REPLY' } });
    await ask(world);
    expect(groupLines(world)).toEqual([`Atlas: ${QUESTION}`, 'Bolt: cake 1', 'Bolt: cake 2']);
    expect(turnsOf(world, 'Nova')).toHaveLength(2);
    expect(world.heard().at(-1)).toBe('In short: tea.');
  });

  it('[GRP-05] when nobody has anything to say it ends at once', async () => {
    await using world = await withGroup({ agents: { Nova: () => 'NO_REPLY', Bolt: () => 'NO_REPLY' } });
    await ask(world);
    expect(turnsOf(world, 'Nova')).toHaveLength(1);
    expect(closings(world)).toEqual([]);
    expect(world.heard().at(-1)).toContain('Nobody');
  });

  it('[GRP-05] a member that never answers is waited for until the round’s time is up, and no longer', async () => {
    await using world = await withGroup({ away: ['Nova'] });
    await ask(world);
    await world.pass(ROUND_MS - 1);
    expect(turnsOf(world, 'Bolt')).toHaveLength(1);
    await world.pass(1);
    expect(turnsOf(world, 'Bolt')).toHaveLength(2);
    expect(closings(world)).toEqual([]);
    await world.pass(ROUND_MS);
    expect(closings(world)).toHaveLength(1);
    expect(world.heard().at(-1)).toBe('In short: tea.');
  });

  it('[GRP-05] what is said after its round is shown, and is not taken for an answer in the next', async () => {
    let wakeUp = (): void => undefined;
    const slow: Script = ({ prompt }) => {
      if (!prompt.includes('round 1')) return 'tea 2';
      return new Promise((resolve) => {
        wakeUp = () => resolve('tea 1');
      });
    };
    await using world = await withGroup({ agents: { Nova: slow } });
    await world.say('Atlas', `ask: ${QUESTION}`);
    await world.until(() => groupLines(world).includes('Bolt: cake 1'));
    for (let half = 0; half < ROUND_MS / 30_000; half++) {
      world.clock.advance(30_000);
      await world.until(() => true);
    }
    await world.until(() => groupLines(world).includes('Bolt: cake 2'));
    expect(closings(world)).toEqual([]);
    wakeUp();
    await world.idle();
    expect(groupLines(world).slice(-2)).toEqual(['Nova: tea 1', 'Nova: tea 2']);
    expect(closings(world)).toHaveLength(1);
  });

  it('[GRP-05] an answer after the end is shown, and no second summary follows', async () => {
    await using world = await withGroup({ away: ['Nova'], discussion: { rounds: 1, roundTimeoutMs: ROUND_MS } });
    await ask(world);
    await world.pass(ROUND_MS);
    const question = world.messages().find(({ subject }) => subject === 'group: Research');
    const { id, name } = groupOf(world);
    await world.post('Nova', 'Atlas', {
      intent: 'group-answer',
      payload: { discussion: question?.id ?? '', round: 1, text: 'coffee' },
      group: { groupId: id, groupName: name },
    });
    expect(groupLines(world).at(-1)).toBe('Nova: coffee');
    await world.pass(ROUND_MS);
    expect(closings(world)).toHaveLength(1);
  });

  it('[GRP-05] two discussions at the same time do not disturb each other', async () => {
    await using world = await withGroup();
    await ask(world, 'First? | Second?');
    const prompts = closings(world).map(({ prompt }) => prompt);
    expect(prompts.map((prompt) => /Question: (\w+)/.exec(prompt)?.[1]).sort()).toEqual(['First', 'Second']);
    for (const prompt of prompts) expect(prompt.match(/: (tea|cake) [12]/g)).toHaveLength(4);
    expect(world.heard().filter((text) => text === 'In short: tea.')).toHaveLength(2);
  });

  it('[GRP-05] a budget that does not reach for a discussion: the model is told, and nobody is asked', async () => {
    await using world = await withGroup({ budget: { turns: 3, tokens: null, microUsd: null } });
    await ask(world);
    expect(turnsOf(world, 'Nova')).toEqual([]);
    expect(groupLines(world)).toEqual([]);
  });

  it('[GRP-05] a budget for two questions that reaches for one opens neither, and the person hears why', async () => {
    await using world = await withGroup({ budget: { turns: 4, tokens: null, microUsd: null } });
    await ask(world, 'First? | Second?');
    await world.pass(ROUND_MS);
    expect(world.heard().filter((text) => text.includes('budget of turns is spent'))).toHaveLength(1);
    expect(world.heard().filter((text) => text.includes('Nobody'))).toEqual([]);
  });

  it('[GRP-05] a budget that reaches for one round of two: the summary says so', async () => {
    await using world = await withGroup({ budget: { turns: 5, tokens: null, microUsd: null } });
    await ask(world);
    expect(turnsOf(world, 'Nova')).toHaveLength(1);
    expect(world.heard().at(-1)).toContain('ended after round 1 of 2');
  });

  it('[GRP-05] tokens are a budget too: rounds do not multiply them', async () => {
    // 20 tokens a turn: 20 for the question, 40 for each round of two, and the last round must not be begun without any.
    await using world = await withGroup({
      budget: { turns: 64, tokens: 100, microUsd: null },
      discussion: { rounds: 6, roundTimeoutMs: ROUND_MS },
    });
    await ask(world);
    expect(turnsOf(world, 'Nova')).toHaveLength(2);
    expect(world.heard().at(-1)).toContain('ended after round 2 of 6');
  });

  it('[PRV-03] the summary waits for a provider; the person is told once, and answered when one is back', async () => {
    let up = false;
    await using world = await withGroup({ agents: { Atlas: host(() => (up ? 'In short: tea.' : DOWN)) } });
    await ask(world);
    for (let retry = 0; retry < 5; retry++) await world.pass(60_000);
    expect(world.heard().slice(2)).toEqual([expect.stringContaining('None of my AI providers')]);
    up = true;
    await world.pass(60_000);
    expect(world.heard().slice(3)).toEqual(['In short: tea.']);
    // The deadline that passed meanwhile closes nothing twice.
    await world.pass(ROUND_MS);
    expect(world.heard()).toHaveLength(4);
    expect(groupLines(world)).toHaveLength(5);
  });

  it('[GRP-05] a host without a model still reports what was said', async () => {
    const refused = { kind: 'refused', tried: [] } as const;
    await using world = await withGroup({ agents: { Atlas: host(() => refused) } });
    await ask(world);
    expect(world.heard().at(-1)).toContain('Nova: tea 1');
  });

  it('[GRP-05] a long discussion is remembered: the question may have dropped out of sight, what followed has not', async () => {
    const members = Array.from({ length: 9 }, (_, n) => `Agent${n}`);
    const agents = Object.fromEntries(members.map((name) => [name, saying(name)]));
    const atlas = script({
      create: async (turn) => String(await turn.use('create_group', { name: 'Research', members })),
      'ask:': async (turn) => String(await turn.use('group_message', { group: 'Research', text: QUESTION })),
    });
    await using world = await openWorld({
      agents: { Atlas: atlas, ...agents },
      budget: { turns: 100, tokens: null, microUsd: null },
      discussion: { rounds: 6, roundTimeoutMs: ROUND_MS },
    });
    await world.tell('Atlas', 'create');
    await ask(world);
    const last = turnsOf(world, 'Agent0').at(-1)?.prompt;
    expect(last).toContain('round 6 of 6');
    expect(last).toContain('Agent1: Agent1 5');
  });

  it('[GRP-03] an agent that knows only the guides asks in plain text, and is answered', async () => {
    await using world = await withGroup();
    const { id, name } = groupOf(world);
    const question = await world.post('Atlas', 'Nova', {
      intent: 'group',
      payload: QUESTION,
      group: { groupId: id, groupName: name },
    });
    expect(turnsOf(world, 'Nova')[0]?.prompt).toContain(`round 1 of 1]\nQuestion: ${QUESTION}`);
    expect(world.messages().at(-1)).toMatchObject({ from: 'agent:nova', replyTo: question.id });
  });
});
