import { describe, expect, it } from 'vitest';
import { DOWN, idOf, openWorld, PERSON, type Script, script } from '../../test/support/agents.ts';
import { ALL, PANEL, ROUND_MS, rules, spoken, turnsOf, withPanel } from './panel.fixture.ts';

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

  it('[BRD-02] a hundred on one peer all answer, each once', async () => {
    const names = Array.from({ length: 100 }, (_, n) => `Agent${n}`);
    await using world = await openWorld({
      routing: rules({ agents: names.map((name) => ({ id: idOf(name), priority: 0 })) }),
      agents: Object.fromEntries(names.map((name) => [name, () => `${name} here`])),
    });
    await world.tell(names[0] ?? '', 'Who is there?');
    expect([...spoken(world)].sort()).toEqual(names.map((name) => `${name}: ${name} here`).sort());
    expect(world.spool.stats().deliveries).toMatchObject({ queued: 0, blocked: 0, failed: 0 });
  });

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
