import { describe, expect, it } from 'vitest';
import { HubClient } from '../../src/client/index.ts';
import { Forwarding } from '../../src/daemon/forwarding.ts';
import { HUB, HubMembership } from '../../src/daemon/hub-membership.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { HubLink } from '../../src/links/hub/hub-link.ts';
import { idOf, openWorld, PERSON, type Script, script, type World } from '../support/agents.ts';
import { HUB_TEST_SECRET, type HubFixture, openHub } from '../support/hub.ts';
import { openTestSpool } from '../support/spool.ts';

const AT_ONCE = 3;

interface Side extends AsyncDisposable {
  readonly world: World;
  /** Resolves when it has heard from another agent who that is. */
  meets(name: string): Promise<void>;
  /** Comes to know an agent on the hub that takes nothing but plain tasks. */
  knows(name: string): Promise<void>;
}

const clientOf = ({ url }: HubFixture): HubClient => new HubClient({ url, secret: HUB_TEST_SECRET, random: () => 0 });

/**
 * A machine with one agent on the hub, as crowded as it can be: one message at a time leaves for an agent elsewhere, and one is handled.
 * `meets`: it finds out who else is there, and what they read.
 */
async function openSide(name: string, answer: Script, hub: HubFixture, { meets }: { meets: boolean }): Promise<Side> {
  const world = await openWorld({
    agents: { [name]: answer },
    admins: [PERSON],
    concurrency: 1,
    maxConcurrentTurns: 1,
  });
  const { spool, registry: directory, keys, clock } = world;
  const card = directory.get(idOf(name));
  if (!card) throw new Error(`${name} is not there`);
  const client = clientOf(hub);
  const links = new Map([[HUB, { link: new HubLink(client), concurrency: 1 }]]);
  const forwarding = new Forwarding({ spool, directory, links, keys, logger: silentLogger, clock });
  const blind: Pick<HubClient, 'join' | 'agents'> = {
    join: ({ onEvent: _, ...joining }) => client.join(joining),
    agents: async () => [],
  };
  const membership = new HubMembership({
    ...{ url: hub.url, client: meets ? client : blind, cards: [card], spool, directory, keys, clock },
    met: () => forwarding.look(),
    logger: silentLogger,
  });
  await world.until(() => membership.status().includes(': connected'));
  return {
    world,
    meets: (other) =>
      world.until(() => {
        // By itself it does so when its clock says so.
        forwarding.look();
        return directory.get(idOf(other))?.name === other;
      }),
    knows: async (other) => {
      await directory.register({ ...card, id: idOf(other), name: other, transport: HUB, metadata: {} });
      forwarding.look();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([forwarding.stop(), membership.stop(AbortSignal.abort())]);
      await world.stop();
    },
  };
}

const resultsOf = ({ world }: Side): readonly string[] =>
  world.heard().filter((text) => /did it|has not done/.test(text));
/** In real time: no clock of theirs has to move. */
const allDone = (side: Side, count: number): Promise<void> => side.world.until(() => resultsOf(side).length === count);

async function give(from: Side, name: string, to: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await from.world.say(name, `!agents send ${to} do it`);
}

describe('two machines with a hub between them, and one slot for what leaves each', () => {
  it('[TRC-02] [HUB-05] whose agents give each other tasks that they answer only when they have asked the other, answer all', async () => {
    await using store = openTestSpool();
    await using hub = await openHub({ spool: store.spool });
    const asking = (name: string, other: string): Script =>
      script({
        'Which one?': 'The blue one.',
        'do it': async (turn) => {
          await turn.use('message_agent', { agent: other, text: 'Which one?' });
          return 'NO_REPLY';
        },
        '[reply from': ({ prompt }) => (prompt.includes('The blue one.') ? `${name} did it.` : 'What?'),
      });
    await using atlas = await openSide('Atlas', asking('Atlas', 'Nova'), hub, { meets: true });
    await using nova = await openSide('Nova', asking('Nova', 'Atlas'), hub, { meets: true });
    await Promise.all([atlas.meets('Nova'), nova.meets('Atlas')]);

    await Promise.all([give(atlas, 'Atlas', 'Nova', AT_ONCE), give(nova, 'Nova', 'Atlas', AT_ONCE)]);
    await Promise.all([allDone(atlas, AT_ONCE), allDone(nova, AT_ONCE)]);
    expect(new Set(resultsOf(atlas))).toEqual(new Set(['Nova: Nova did it.']));
    expect(new Set(resultsOf(nova))).toEqual(new Set(['Atlas: Atlas did it.']));
  });

  it('[TRC-02] [HUB-05] that wait for each other’s answers to plain tasks with the slot in hand, have them: nobody asks on the way', async () => {
    await using store = openTestSpool();
    await using hub = await openHub({ spool: store.spool });
    const does =
      (name: string): Script =>
      () =>
        `${name} did it.`;
    await using atlas = await openSide('Atlas', does('Atlas'), hub, { meets: false });
    await using nova = await openSide('Nova', does('Nova'), hub, { meets: false });
    await atlas.knows('Nova');
    await nova.knows('Atlas');
    await Promise.all([give(atlas, 'Atlas', 'Nova', AT_ONCE), give(nova, 'Nova', 'Atlas', AT_ONCE)]);
    await Promise.all([allDone(atlas, AT_ONCE), allDone(nova, AT_ONCE)]);
    expect(new Set([...resultsOf(atlas), ...resultsOf(nova)])).toEqual(
      new Set(['Nova: Nova did it.', 'Atlas: Atlas did it.']),
    );
    // Whoever answers such a task has no tools with which it could ask anybody: the end of the wait is one turn away.
    const { turns } = nova.world;
    expect(turns.map(({ tools }) => tools)).toEqual(Array(AT_ONCE).fill([]));
  });

  it('[TRC-02] [HUB-05] one of which is a program that gives the agent tasks of its own before it answers: all are answered', async () => {
    await using store = openTestSpool();
    await using hub = await openHub({ spool: store.spool });
    await using atlas = await openSide('Atlas', ({ prompt }) => `Atlas knows: ${prompt.split('\n').at(-1)}`, hub, {
      meets: false,
    });
    const client = clientOf(hub);
    await using program = client.join({
      name: 'program',
      onTask: async () => `did it: ${String(await client.task('atlas', 'Which one?', { sender: 'program' }))}`,
    });
    await program.ready;
    await atlas.knows('program');
    await give(atlas, 'Atlas', 'program', AT_ONCE);
    await allDone(atlas, AT_ONCE);
    expect(new Set(resultsOf(atlas))).toEqual(new Set(['program: did it: Atlas knows: Which one?']));
  });
});
