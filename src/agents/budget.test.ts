import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DOWN, openWorld, type Script, type World } from '../../test/support/agents.ts';
import type { Message } from '../domain/message.ts';
import type { Budget } from '../domain/trace.ts';

const turnsOnly = (turns: number): Budget => ({ turns, tokens: null, microUsd: null });
const stopNotices = (world: World): readonly string[] =>
  world.heard().filter((text) => text.includes('I have stopped'));

/** Answers merge: the host of a discussion goes on with the sum of what its members have brought back. */
const isMerge = ({ subject, payload }: Message): boolean =>
  subject.startsWith('group-answer') || payload.type === 'timer';

/** What has to hold for every message in a spool. */
function expectSoundTraces(world: World, budget: Budget): void {
  const messages = new Map(world.messages().map((message) => [message.id, message]));
  for (const { id, trace } of messages.values()) {
    expect(messages.has(trace.root)).toBe(true);
    expect(trace.budget.turns).toBeLessThanOrEqual(budget.turns);
    if (trace.cause === null) {
      expect(trace).toMatchObject({ root: id, hop: 0 });
      continue;
    }
    const cause = messages.get(trace.cause);
    if (!cause) throw new Error(`${id} has a cause that is not in the spool`);
    expect(trace).toMatchObject({ root: cause.trace.root, hop: cause.trace.hop + 1 });
    if (!isMerge(cause)) expect(trace.budget.turns).toBeLessThanOrEqual(cause.trace.budget.turns);
  }
}

/** On whatever it hears, writes to these. */
const writesTo =
  (...others: string[]): Script =>
  async ({ use }) => {
    for (const agent of others) await use('message_agent', { agent, text: 'And you?' });
    return 'NO_REPLY';
  };

describe('loops of agents', () => {
  const loops: readonly [string, Readonly<Record<string, Script>>][] = [
    ['two that keep replying to each other', { Atlas: writesTo('Nova'), Nova: () => 'And you?' }],
    ['two that keep writing to each other', { Atlas: writesTo('Nova'), Nova: writesTo('Atlas') }],
    ['a ring of three', { Atlas: writesTo('Nova'), Nova: writesTo('Bolt'), Bolt: writesTo('Atlas') }],
    [
      'three of whom each writes to both others',
      { Atlas: writesTo('Nova', 'Bolt'), Nova: writesTo('Atlas', 'Bolt'), Bolt: writesTo('Atlas', 'Nova') },
    ],
    [
      'three of whom each writes to both others and replies',
      {
        Atlas: async (turn) => `${await writesTo('Nova', 'Bolt')(turn)}, so to say`,
        Nova: async (turn) => `${await writesTo('Atlas', 'Bolt')(turn)}, so to say`,
        Bolt: async (turn) => `${await writesTo('Atlas', 'Nova')(turn)}, so to say`,
      },
    ],
  ];
  const cases = loops.flatMap(([who, agents]) => [1, 2, 7, 20].map((turns) => [who, turns, agents] as const));

  it.each(cases)('[TRC-02] %s stop within %d turns, and the person hears why once', async (_who, turns, agents) => {
    await using world = await openWorld({ agents, budget: turnsOnly(turns) });
    await world.tell('Atlas', 'Start');
    expect(world.turns.length).toBeLessThanOrEqual(turns);
    expect(stopNotices(world)).toEqual([expect.stringContaining('its budget of turns is spent')]);
    expectSoundTraces(world, turnsOnly(turns));
  });

  it.each(loops.slice(0, 3))('[TRC-02] %s use their turns up, not fewer', async (_who, agents) => {
    await using world = await openWorld({ agents, budget: turnsOnly(11) });
    await world.tell('Atlas', 'Start');
    expect(world.turns).toHaveLength(11);
  });

  it('[TRC-02] with turns to spare the length of the chain ends it', async () => {
    const agents = { Atlas: writesTo('Nova'), Nova: writesTo('Atlas') };
    await using world = await openWorld({ agents, budget: turnsOnly(1000) });
    await world.tell('Atlas', 'Start');
    // The root is at hop 0, and nothing follows from a message at hop 32.
    expect(world.turns).toHaveLength(32);
    expect(stopNotices(world)).toEqual([expect.stringContaining('longer chain')]);
  });

  it('[TRC-02] tokens end it as well', async () => {
    const agents = { Atlas: writesTo('Nova'), Nova: writesTo('Atlas') };
    await using world = await openWorld({ agents, budget: { turns: 1000, tokens: 100, microUsd: null } });
    await world.tell('Atlas', 'Start');
    expect(world.turns).toHaveLength(5);
    expect(stopNotices(world)).toEqual([expect.stringContaining('its budget of tokens is spent')]);
  });

  it('[TRC-02] each message of the person has a budget of its own', async () => {
    const agents = { Atlas: writesTo('Nova'), Nova: writesTo('Atlas') };
    await using world = await openWorld({ agents, budget: turnsOnly(6) });
    await world.tell('Atlas', 'Start');
    await world.tell('Atlas', 'Again');
    expect(world.turns).toHaveLength(12);
    expect(stopNotices(world)).toHaveLength(2);
  });

  it('[TRC-02] an agent that says nothing of budgets is given a small one', async () => {
    await using world = await openWorld({ agents: { Atlas: writesTo('Nova'), Nova: writesTo('Atlas') } });
    await world.post('Nova', 'Atlas', { trace: null });
    expect(world.turns).toHaveLength(4);
  });
});

describe('the traces of all messages', () => {
  const NAMES = ['Atlas', 'Nova', 'Bolt', 'Echo'] as const;

  /** An agent that does something else on every turn: which, the dice of the run say. */
  const erratic =
    (dice: Iterator<number>, onOutage: () => void): Script =>
    async ({ agent, tools, use }) => {
      const roll = (sides: number): number => Number(dice.next().value ?? 0) % sides;
      const other = (): string => NAMES[roll(NAMES.length)] ?? agent;
      for (let acts = roll(3); acts > 0 && tools.includes('message_agent'); acts--) {
        if (roll(3) > 0) await use('message_agent', { agent: other(), text: 'Well?' });
        else {
          await use('create_group', { name: `Group of ${agent}`, members: [other(), other()] });
          await use('group_message', { group: `Group of ${agent}`, text: 'Well?' });
        }
      }
      const answer = ['NO_REPLY', 'I see.', 'Indeed.', DOWN][roll(8)] ?? 'Yes.';
      if (answer === DOWN) onOutage();
      return answer;
    };

  it('[TRC-01] whatever agents do, hops count the causes and budgets never grow; no more turns are taken than there are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(1000), { minLength: 5, maxLength: 200 }),
        fc.integer({ min: 1, max: 30 }),
        async (rolls, turns) => {
          let outages = 0;
          const dice = rolls.values();
          const agents = Object.fromEntries(NAMES.map((name) => [name, erratic(dice, () => outages++)]));
          await using world = await openWorld({ agents, budget: turnsOnly(turns) });
          await world.tell('Atlas', 'Start');
          for (let minute = 0; minute < 6; minute++) await world.pass(60_000);
          expectSoundTraces(world, turnsOnly(turns));
          expect(world.turns.length - outages).toBeLessThanOrEqual(turns);
          expect(stopNotices(world).length).toBeLessThanOrEqual(1);
          expect(world.spool.stats().deliveries).toMatchObject({ queued: 0, leased: 0, failed: 0 });
        },
      ),
      { numRuns: 12 },
    );
  });

  it('[TRC-01] what a person is told while a summary waits for a provider is where it belongs, too', async () => {
    const atlas: Script = async ({ prompt, use }) => {
      if (prompt.includes('[close the discussion')) return DOWN;
      await use('create_group', { name: 'Research', members: ['Nova'] });
      await use('group_message', { group: 'Research', text: 'Well?' });
      return 'I have asked.';
    };
    const budget = turnsOnly(20);
    await using world = await openWorld({ agents: { Atlas: atlas, Nova: () => 'Tea.' }, budget });
    await world.tell('Atlas', 'Start');
    expect(world.heard().at(-1)).toContain('None of my AI providers');
    expectSoundTraces(world, budget);
  });

  it('[TRC-01] they say who began it and how far it has come', async () => {
    await using world = await openWorld({
      agents: { Atlas: writesTo('Nova'), Nova: () => 'Fine.' },
      budget: turnsOnly(9),
    });
    await world.tell('Atlas', 'Start', { id: 'm1' });
    const [person, question, reply] = world.messages();
    expect(person?.trace).toMatchObject({ root: person?.id, cause: null, hop: 0 });
    expect(question?.trace).toEqual({
      root: person?.id,
      cause: person?.id,
      hop: 1,
      origin: 'atlas',
      budget: turnsOnly(8),
    });
    expect(reply?.trace).toEqual({
      root: person?.id,
      cause: question?.id,
      hop: 2,
      origin: 'atlas',
      budget: turnsOnly(7),
    });
    // Signed with the envelope: what the mailbox says of it is what the envelope says.
    expect(JSON.parse(question?.body ?? '').trace).toEqual(question?.trace);
  });
});
