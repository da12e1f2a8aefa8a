import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DOWN,
  idOf,
  openWorld,
  type Script,
  script,
  type World,
  type WorldOptions,
} from '../../test/support/agents.ts';
import { agentAddress, agentId, type MessageId, messageId } from '../domain/addresses.ts';
import { TASK, TASK_RESULT } from '../domain/task.ts';
import { startTrace } from '../domain/trace.ts';
import { newId } from '../lib/ids.ts';
import { checkPlan, planIn } from './team-plan.ts';

const TASK_TIMEOUT_MS = 600_000;

type PlannedPart = { id: string; agent: string; task: string; after?: string[] };

/** A host that hands in these parts as its plan, whatever it is asked to plan. */
const plans = (...parts: PlannedPart[]): Script =>
  script({
    '[plan a task': async (turn) => {
      const answer = await turn.use('plan_team', { parts });
      return JSON.stringify(answer);
    },
  });

const team = (
  host: Script,
  members: Readonly<Record<string, Script>>,
  more: Partial<WorldOptions> = {},
): Promise<World> => openWorld({ admins: ['boss'], ...more, agents: { Atlas: host, ...members } });

const order = (world: World, text: string): Promise<void> => world.tell('Atlas', text, { sender: 'boss' });
const heard = (world: World): readonly string[] => world.heard();
const last = (world: World): string => heard(world).at(-1) ?? '';
const promptsOf = (world: World, agent: string): readonly string[] =>
  world.turns.filter((turn) => turn.agent === agent).map(({ prompt }) => prompt);

const CHAIN: PlannedPart[] = [
  { id: 'find', agent: 'Nova', task: 'Find sources.' },
  { id: 'count', agent: 'Bolt', task: 'Count words.' },
  { id: 'write', agent: 'Bolt', task: 'Write it up.', after: ['find', 'count'] },
];

describe('!team', () => {
  it('[TEM-01] runs what is independent at once, gives the rest its inputs, and brings the results with a count', async () => {
    await using world = await team(plans(...CHAIN), {
      Nova: () => 'Three sources.',
      Bolt: script({ 'Count words': 'Seven words.', 'Write it up': 'A fine text.' }),
    });
    await order(world, '!team write about tea');
    const writing = promptsOf(world, 'Bolt').at(-1) ?? '';
    for (const input of ['Write it up.', 'Three sources.', 'Seven words.']) expect(writing).toContain(input);
    expect(heard(world)[0]).toContain('The plan has 3 parts:\nfind: Nova: Find sources.');
    expect(last(world)).toMatch(/^3 of 3 parts done\./);
    for (const result of ['Nova (find): Three sources.', 'Bolt (write): A fine text.']) {
      expect(last(world)).toContain(result);
    }
  });

  it('[TEM-01] parts that do not need each other are under way together', async () => {
    const open = new Map<string, (text: string) => void>();
    const together =
      (name: string): Script =>
      () =>
        new Promise((resolve) => {
          open.set(name, resolve);
          // Neither answers before both are asked.
          if (open.size === 2) for (const [who, answer] of open) answer(who);
        });
    const parts = [CHAIN[0], { id: 'b', agent: 'Bolt', task: 'Count.' }].flatMap((part) => part ?? []);
    await using world = await team(plans(...parts), { Nova: together('nova'), Bolt: together('bolt') });
    await order(world, '!team go');
    expect(last(world)).toMatch(/^2 of 2 parts done/);
  });

  it('[TEM-02] shows its progress; a part that fails does not lose the others, and what needs it is not begun', async () => {
    await using world = await team(plans(...CHAIN), {
      Nova: () => ({ kind: 'refused', tried: [{ provider: 'demo', kind: 'refused' }] }) as never,
      Bolt: () => 'Seven words.',
    });
    await order(world, '!team write about tea');
    expect(
      heard(world).some((text) =>
        /^\d of 3: (Bolt, Count words\.: done\.|Nova, Find sources\.: failed: .*)$/.test(text),
      ),
    ).toBe(true);
    expect(last(world)).toMatch(/^1 of 3 parts done\./);
    expect(last(world)).toContain('Bolt (count): Seven words.');
    expect(last(world)).toContain('Nova (find) has not done it: my provider refused');
    expect(last(world)).toContain('Bolt (write) has not done it: it needs find, which failed.');
    expect(promptsOf(world, 'Bolt')).toHaveLength(1);
  });

  it('[TEM-02] the plan survives a restart in the middle', async () => {
    const members = { Nova: () => 'Three sources.', Bolt: () => 'Bolt was here.' } satisfies Record<string, Script>;
    const before = await team(plans(...CHAIN), members, { away: ['Bolt'] });
    await order(before, '!team write about tea');
    expect(heard(before).at(-1)).toBe('1 of 3: Nova, Find sources.: done.');
    await before.stop();
    const folder = { path: before.db.path.replace(/\/[^/]*$/, ''), remove: () => undefined };
    await using after = await team(() => 'No model is needed for the rest.', members, { folder, clock: before.clock });
    await after.idle();
    expect(last(after)).toMatch(/^3 of 3 parts done\./);
    expect(promptsOf(after, 'Nova')).toEqual([]);
  });

  it('[TEM-02] an agent that does not answer is given up after its time, and what it says later changes nothing', async () => {
    await using world = await team(
      plans(...CHAIN),
      { Nova: () => 'x', Bolt: () => 'Seven words.' },
      { away: ['Nova'] },
    );
    await order(world, '!team write about tea');
    await world.pass(TASK_TIMEOUT_MS);
    expect(last(world)).toContain('Nova (find) has not done it: no answer in time.');
    const said = heard(world).length;
    const [question] = world.messages().filter(({ body, subject }) => subject === 'task' && body.includes('nova'));
    await world.post('Nova', 'Atlas', { intent: 'reply', payload: 'late', replyTo: question?.id ?? null });
    expect(heard(world)).toHaveLength(said);
  });

  it('[TEM-01] an invalid plan is refused with the reason, and the model can mend it', async () => {
    let refusal: unknown;
    const host = script({
      '[plan a task': async (turn) => {
        refusal = await turn.use('plan_team', { parts: [{ id: 'a', agent: 'Mallory', task: 'x', after: [] }] });
        await turn.use('plan_team', { parts: [{ id: 'a', agent: 'Nova', task: 'x', after: [] }] });
        return 'Done.';
      },
    });
    await using world = await team(host, { Nova: () => 'Yes.' });
    await order(world, '!team go');
    expect(refusal).toMatchObject({ ok: false, error: expect.stringContaining('no agent called Mallory') });
    expect(last(world)).toContain('Nova (a): Yes.');
  });

  it('[TEM-01] a model without tools may write its plan down; one that makes none is quoted', async () => {
    const written = '```json\n{"parts":[{"id":"a","agent":"Nova","task":"x"}]}\n```';
    await using world = await team(script({ '[plan a task': written }), { Nova: () => 'Yes.' });
    await order(world, '!team go');
    expect(last(world)).toContain('Nova (a): Yes.');
    await using helpless = await team(() => 'What do you mean?', { Nova: () => 'Yes.' });
    await order(helpless, '!team go');
    expect(last(helpless)).toBe('What do you mean?');
  });

  it('[TRC-02] a plan that the budget does not reach for ends, and says so', async () => {
    const budget = { turns: 2, tokens: null, microUsd: null };
    await using world = await team(plans(...CHAIN), { Nova: () => 'x', Bolt: () => 'y' }, { budget });
    await order(world, '!team go');
    expect(last(world)).toContain('the budget is spent');
    expect(world.turns.length).toBeLessThanOrEqual(2);
  });

  it('[PRV-03] waits while no provider answers, and tells the person once', async () => {
    let up = false;
    const plan = plans({ id: 'a', agent: 'Nova', task: 'x' });
    await using world = await team((turn) => (up ? plan(turn) : DOWN), { Nova: () => 'Yes.' });
    await order(world, '!team go');
    expect(heard(world)).toHaveLength(1);
    up = true;
    await world.pass(60_000);
    expect(last(world)).toContain('Nova (a): Yes.');
  });
});

describe('!agents', () => {
  it('[TEM-01] send gives one agent a task, and its answer is shown as it is', async () => {
    await using world = await team(() => 'never', { Nova: () => 'It is done.' });
    await order(world, '!agents send nova: sweep the floor');
    expect(promptsOf(world, 'Nova')[0]).toContain('sweep the floor');
    expect(promptsOf(world, 'Atlas')).toEqual([]);
    expect(heard(world)).toEqual(['Nova: It is done.']);
  });

  it('[TEM-01] all gives every active agent the task, and brings the results with a count', async () => {
    await using world = await team(() => 'never', { Nova: () => 'Fine.', Bolt: () => 'NO_REPLY' });
    await order(world, '!agents all how are you?');
    expect(last(world)).toMatch(/^1 of 2 agents done\./);
    expect(last(world)).toContain('Nova: Fine.');
    expect(last(world)).toContain('Bolt has not done it: it had nothing to say.');
  });

  it.each([
    ['!agents send', 'Write !agents'],
    ['!agents send Nova', 'Write !agents'],
    ['!agents all', 'Write !agents'],
    ['!team', 'Write !team'],
    ['!agents send Mallory dig', 'I know no agent called Mallory. I know Atlas, Nova.'],
    ['!agents send Atlas dig', 'That is me'],
    ['!agents status', 'Nova (nova) active'],
  ])('[TEM-01] %s is answered with what is wrong, or with what was asked', async (text, answer) => {
    await using world = await team(() => 'never', { Nova: () => 'Fine.' });
    await order(world, text);
    expect(last(world)).toContain(answer);
  });

  it('[ADM-01] others than admins give no tasks', async () => {
    await using world = await team(() => 'never', { Nova: () => 'Fine.' });
    await world.tell('Atlas', '!team take over', { sender: 'stranger' });
    expect(heard(world)).toEqual([]);
    expect(world.turns).toEqual([]);
    expect(world.audit.tail(1)).toMatchObject([{ kind: 'command.denied', detail: '!team' }]);
  });
});

describe('an agent that does not speak envelopes', () => {
  const SCRIPT_AGENT = { Crow: { metadata: {} } };
  const assigned = (world: World) => world.messages().filter(({ payload }) => payload.type === TASK);
  const result = (world: World, replyTo: MessageId, data: object, body = ''): Promise<unknown> => {
    const id = messageId(newId('res', world.clock.now()));
    return world.spool.send([
      {
        id,
        from: agentAddress(agentId('crow')),
        deliveries: [{ to: agentAddress(idOf('Atlas')) }],
        conversation: assigned(world)[0]?.conversation ?? ('x' as never),
        replyTo,
        body,
        payload: { type: TASK_RESULT, data: { ...data } },
        trace: startTrace(id, null),
      },
    ]);
  };

  it.each([
    ['its result', { outcome: 'completed' }, 'Caw.', 'Crow: Caw.'],
    ['its failure', { outcome: 'failed', error: 'no wings' }, '', 'Crow has not done it: no wings.'],
  ])('[TEM-01] gets a task as plain text, and %s is told', async (_what, data, body, text) => {
    await using world = await team(() => 'never', { Crow: () => 'never' }, { cards: SCRIPT_AGENT, away: ['Crow'] });
    await order(world, '!agents send crow fly');
    const [task] = assigned(world);
    expect(task).toMatchObject({ body: 'fly', payload: { data: { task_id: task?.id } } });
    await result(world, messageId(task?.id ?? ''), data, body);
    await world.idle();
    expect(last(world)).toBe(text);
  });

  it('[SEC-05] nobody answers for another, and nothing that was not asked', async () => {
    await using world = await team(
      () => 'never',
      { Crow: () => 'x', Nova: () => 'x' },
      { cards: SCRIPT_AGENT, away: ['Crow', 'Nova'] },
    );
    await order(world, '!agents send nova fly');
    const [asked] = world.messages().filter(({ subject }) => subject === 'task');
    await result(world, messageId(asked?.id ?? ''), {}, 'I am Nova.');
    await result(world, messageId('unknown'), {}, 'Hello.');
    await world.idle();
    expect(heard(world)).toEqual([]);
    expect(world.audit.tail(2).map(({ kind }) => kind)).toEqual(['reply.unasked', 'reply.unasked']);
  });
});

describe('a plan', () => {
  const directory = {
    find: (name: string) => [{ id: idOf(name), name } as never],
    list: () => [],
  };
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const parts = fc.uniqueArray(
    fc.record({
      id: fc.constantFrom(...ids),
      agent: fc.constant('Nova'),
      task: fc.constant('x'),
      after: fc.array(fc.constantFrom(...ids), { maxLength: 3 }),
    }),
    { selector: ({ id }) => id, minLength: 1 },
  );

  it('[TEM-01] is accepted exactly when its parts can be put in an order in which each comes after what it needs', () => {
    fc.assert(
      fc.property(parts, (plan) => {
        const done = new Set<string>();
        for (let round = 0; round < plan.length; round++) {
          for (const { id, after } of plan) if (after.every((needed) => done.has(needed))) done.add(id);
        }
        expect(checkPlan({ parts: plan }, directory).ok).toBe(done.size === plan.length);
      }),
    );
  });

  it('[TEM-01] has 1 to 20 parts, each with a name of its own', () => {
    const part = (id: number) => ({ id: `p${id}`, agent: 'Nova', task: 'x', after: [] });
    const of = (n: number): string => JSON.stringify({ parts: Array.from({ length: n }, (_, id) => part(id)) });
    expect([0, 1, 20, 21].map((n) => planIn(of(n)) !== null)).toEqual([false, true, true, false]);
    expect(checkPlan({ parts: [part(1), part(1)] }, directory)).toMatchObject({ ok: false });
    expect([planIn('no plan'), planIn('{}'), planIn('null')]).toEqual([null, null, null]);
  });
});
