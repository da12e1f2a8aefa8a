import { describe, expect, it } from 'vitest';
import { openWorld, type Script, script, type World, type WorldOptions } from '../../test/support/agents.ts';
import { problems } from '../spool/sqlite/problems.ts';

const TURNS = 64;

/** As little room as there can be: one delivery of an agent at a time, and one turn of all of them. */
const crowded = (agents: WorldOptions['agents'], more: Partial<WorldOptions> = {}): Promise<World> =>
  openWorld({
    agents,
    admins: Object.keys(agents).map(bossOf),
    concurrency: 1,
    maxConcurrentTurns: 1,
    budget: { turns: TURNS, tokens: null, microUsd: null },
    ...more,
  });

const bossOf = (agent: string): string => `boss of ${agent}`;
const RINGS = [
  ['two', ['Atlas', 'Nova']],
  ['a ring of three', ['Atlas', 'Nova', 'Bolt']],
] as const;
type Name = (typeof RINGS)[1][1][number];

/** Each with the next one, and the last with the first. */
function ring(names: readonly Name[], agentOf: (name: Name, next: Name) => Script): Record<string, Script> {
  return Object.fromEntries(names.map((name, i) => [name, agentOf(name, names[(i + 1) % names.length] ?? name)]));
}

/** Each is told the same by a person of its own, before any of them begins. */
async function tellAll(world: World, names: readonly string[], text: string): Promise<void> {
  await Promise.all(names.map((name) => world.say(name, text, { sender: bossOf(name) })));
  await world.idle();
}
const heardBy = (world: World, name: string): readonly string[] =>
  world.said.filter(({ peer }) => peer.id === bossOf(name)).map(({ text }) => text);

/** Although the clock stands still, nothing waits but timers; nobody was given up, and no budget was exceeded. */
function expectDone(world: World, names: readonly string[]): void {
  expect(problems(world.db)).toEqual([]);
  const open = world.messages().filter(({ id, payload }) => {
    return payload.type !== 'timer' && world.spool.status(id).some(({ status }) => status !== 'acked');
  });
  expect(open).toEqual([]);
  expect(world.spool.deadLetters()).toEqual([]);
  expect(world.turns.length).toBeLessThanOrEqual(TURNS * names.length);
}

const leads = (next: string, answer: Script | string): Script =>
  script({
    prepare: async (turn) => JSON.stringify(await turn.use('create_group', { name: `${next} and I`, members: [next] })),
    '[close the discussion': ({ prompt }) => `In short: ${prompt.includes(`${next}: `) ? `${next} spoke` : '?'}.`,
    '[group "': answer,
    '[message from': answer,
    'go!': async (turn) => {
      await turn.use('group_message', { group: `${next} and I`, text: 'What do you think?' });
      return 'NO_REPLY';
    },
  });

describe.each(RINGS)('%s', (_what, names) => {
  it('[TRC-02] that each lead a discussion with the next one, at the same time, all come to an end', async () => {
    await using world = await crowded(ring(names, (name, next) => leads(next, `${name} thinks so.`)));
    await tellAll(world, names, 'prepare');
    await tellAll(world, names, 'go!');
    for (const [i, name] of names.entries()) {
      expect(heardBy(world, name).at(-1)).toBe(`In short: ${names[(i + 1) % names.length]} spoke.`);
    }
    expectDone(world, names);
  });

  it('[TRC-02] that each give the next one a task, at the same time, all have the answers', async () => {
    await using world = await crowded(ring(names, (name) => script({ '[message from': `${name} did it.` })));
    await Promise.all(
      names.map((name, i) =>
        world.say(name, `!agents send ${names[(i + 1) % names.length]} do it`, { sender: bossOf(name) }),
      ),
    );
    await world.idle();
    for (const [i, name] of names.entries()) {
      const next = names[(i + 1) % names.length];
      expect(heardBy(world, name).at(-1)).toBe(`${next}: ${next} did it.`);
    }
    expectDone(world, names);
  });

  it('[TRC-02] that each run a team of all the others, whose parts need each other, all have the results', async () => {
    const plans =
      (...agents: string[]): Script =>
      async (turn) => {
        const parts = agents.flatMap((agent, i) => [
          { id: `a${i}`, agent, task: 'Begin.' },
          { id: `b${i}`, agent, task: 'Go on.', after: agents.map((_, other) => `a${other}`) },
        ]);
        return JSON.stringify(await turn.use('plan_team', { parts }));
      };
    const agents = ring(names, (name) =>
      script({ '[plan a task': plans(...names.filter((other) => other !== name)), '[message from': `${name} did it.` }),
    );
    await using world = await crowded(agents);
    await tellAll(world, names, '!team go');
    const parts = 2 * (names.length - 1);
    for (const name of names) expect(heardBy(world, name).at(-1)).toContain(`${parts} of ${parts} parts done.`);
    expectDone(world, names);
  });

  it('[TRC-02] of whom each answers a task only when it has heard from the next one, come to an end', async () => {
    const agents = ring(names, (name, next) =>
      script({
        '[message from': async (turn) => {
          await turn.use('message_agent', { agent: next, text: 'I need your answer before I can give mine.' });
          return 'NO_REPLY';
        },
        '[reply from': `${name} says: it is done.`,
      }),
    );
    await using world = await crowded(agents);
    await Promise.all(
      names.map((name, i) =>
        world.say(name, `!agents send ${names[(i + 1) % names.length]} do it`, { sender: bossOf(name) }),
      ),
    );
    await world.idle();
    for (const name of names) {
      // Each waits for an answer that waits for its own: the budget ends it, and the person hears that it did.
      expect(heardBy(world, name)).toContainEqual(
        expect.stringMatching(/I have stopped the exchange .*: (?:its budget|one message)/),
      );
      expect(heardBy(world, name)).toContainEqual(expect.stringContaining('has not done it: the budget is spent'));
    }
    expectDone(world, names);
  });

  it('[TRC-02] that leave the word to each other: silence is an answer too, and the person has one', async () => {
    const silentTo = (name: Name, next: Name): Script => {
      let asked = 0;
      return script({
        'go!': async (turn) => {
          await turn.use('message_agent', { agent: next, text: 'After you.' });
          return 'NO_REPLY';
        },
        // The first time it asks the next one back, and waits for what that says.
        '[message from': async (turn) => {
          if (asked++ === 0) await turn.use('message_agent', { agent: next, text: 'No, after you.' });
          return 'NO_REPLY';
        },
        '[reply from': ({ prompt }) => `${name} has heard: ${prompt.split('\n').at(-1)}`,
      });
    };
    await using world = await crowded(ring(names, silentTo));
    await tellAll(world, names, 'go!');
    for (const name of names) {
      expect(heardBy(world, name)).toEqual([expect.stringMatching(/has heard: .*it had nothing to say$/)]);
    }
    expectDone(world, names);
  });

  it('[TRC-02] that give each other tasks and leave the word to each other: the tasks end, before their time is up', async () => {
    const asksBack = (_name: Name, next: Name): Script => {
      let asked = 0;
      return script({
        '[message from': async (turn) => {
          if (asked++ === 0) await turn.use('message_agent', { agent: next, text: 'What is meant?' });
          return 'NO_REPLY';
        },
      });
    };
    await using world = await crowded(ring(names, asksBack));
    await Promise.all(
      names.map((name, i) =>
        world.say(name, `!agents send ${names[(i + 1) % names.length]} do it`, { sender: bossOf(name) }),
      ),
    );
    await world.idle();
    for (const name of names) expect(heardBy(world, name).at(-1)).toContain('has not done it: it had nothing to say');
    expectDone(world, names);
  });

  it('[TRC-02] that discuss, and each expect another to speak: the discussions end, and the persons are told', async () => {
    await using world = await crowded(ring(names, (_name, next) => leads(next, 'NO_REPLY')));
    await tellAll(world, names, 'prepare');
    await tellAll(world, names, 'go!');
    for (const name of names) expect(heardBy(world, name).at(-1)).toContain('Nobody in the group');
    expectDone(world, names);
  });
});
