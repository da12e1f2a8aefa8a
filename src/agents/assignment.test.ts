import { describe, expect, it } from 'vitest';
import { DOWN, idOf, openWorld, type Script, type World, type WorldOptions } from '../../test/support/agents.ts';
import { agentAddress, conversationId, hubAnswers, messageId } from '../domain/addresses.ts';
import type { Message, NewMessage } from '../domain/message.ts';
import { assignmentResultId, TASK, taskResultOf } from '../domain/task.ts';
import { startTrace } from '../domain/trace.ts';
import { FOREIGN_BUDGET } from '../protocol/carried.ts';

const ATLAS = idOf('Atlas');

const open = (atlas: Script, options: Partial<WorldOptions> = {}): Promise<World> =>
  openWorld({ ...options, agents: { Atlas: atlas } });

/** A task as its connection to a hub puts it into the mailbox of Atlas. */
function taskOf(name: string, body: string, sender = 'admin'): NewMessage {
  const id = messageId(name);
  return {
    id,
    from: hubAnswers(ATLAS),
    deliveries: [{ to: agentAddress(ATLAS), maxAttempts: 10 }],
    conversation: conversationId(`conv-${sender}`),
    subject: 'task',
    body,
    payload: { type: TASK, data: { sender } },
    trace: startTrace(id, null, FOREIGN_BUDGET),
  };
}

async function give(world: World, task: NewMessage): Promise<Message | null> {
  await world.spool.send([task]);
  await world.idle();
  return world.spool.message(assignmentResultId(task.id, ATLAS));
}
const outcome = (result: Message | null) => result && taskResultOf(result);

describe('a task that came from a hub', () => {
  it('[HUB-05] is answered to the connection that brought it', async () => {
    await using world = await open(() => '42');
    const result = await give(world, taskOf('one', 'six times seven'));
    expect(world.turns[0]).toMatchObject({ prompt: '[message from admin]\nsix times seven', tools: [] });
    expect(result).toMatchObject({
      from: 'agent:atlas',
      replyTo: 'one',
      conversation: 'conv-admin',
      body: '42',
      payload: { type: 'task_result', data: { outcome: 'completed' } },
      trace: { root: 'one', cause: 'one', hop: 1 },
    });
    expect(world.spool.status(messageId(result?.id ?? ''))).toMatchObject([{ to: 'system:hub:atlas' }]);
    expect(world.heard()).toEqual([]);
  });

  it('[HUB-05] is answered also when there is nothing to say', async () => {
    await using world = await open(() => 'NO_REPLY');
    expect(outcome(await give(world, taskOf('one', 'be silent')))).toEqual({ ok: true, text: '' });
  });

  it('[HUB-05] is remembered for the next one of the same sender, and for nobody else', async () => {
    await using world = await open(({ prompt }) => `did ${prompt.split('\n').at(-1)}`);
    await give(world, taskOf('one', 'A'));
    await give(world, taskOf('two', 'B'));
    await give(world, taskOf('three', 'C', 'somebody else'));
    expect(world.turns.map(({ messages }) => messages)).toEqual([
      ['[message from admin]\nA'],
      ['[message from admin]\nA', 'did A', '[message from admin]\nB'],
      ['[message from somebody else]\nC'],
    ]);
  });

  it('[HUB-05] [TEM-02] that the model refuses is answered with that', async () => {
    const refuses: Script = () => ({ kind: 'refused', tried: [{ provider: 'demo', kind: 'refused', detail: '' }] });
    await using world = await open(refuses);
    expect(outcome(await give(world, taskOf('one', 'six times seven')))).toEqual({
      ok: false,
      error: 'my provider refused to answer this (demo: refused)',
    });
  });

  it('[PRV-03] [HUB-05] waits while no provider answers, as long as it takes', async () => {
    let up = false;
    await using world = await open(() => (up ? '42' : DOWN));
    const task = taskOf('one', 'six times seven');
    expect(await give(world, task)).toBe(null);
    for (let minute = 0; minute < 15; minute++) await world.pass(60_000);
    expect(world.spool.status(task.id)).toMatchObject([{ status: 'queued', reason: 'no provider answers' }]);
    up = true;
    await world.pass(60_000);
    expect(world.spool.message(assignmentResultId(task.id, ATLAS))).toMatchObject({ body: '42' });
    expect(world.spool.status(task.id)).toMatchObject([{ status: 'acked', attempts: 1 }]);
  });
});

describe('the gate for tasks from a hub', () => {
  it.each<[string, WorldOptions['gate'], string]>([
    ['is blocked', { blocklist: ['admin'] }, 'blocked'],
    ['says too much', { agentMaxLength: 10 }, 'too-long'],
  ])('[SEC-01] [HUB-05] tells whoever %s', async (_what, gate, reason) => {
    await using world = await open(() => 'never', { gate: gate ?? {} });
    const result = await give(world, taskOf('one', 'six times seven'));
    expect(outcome(result)).toEqual({ ok: false, error: `It was not let in: ${reason}.` });
    expect(world.turns).toEqual([]);
  });

  it('[SEC-01] counts a task once, however often it is tried', async () => {
    let failures = 1;
    const fails = (): string => {
      if (failures-- > 0) throw new Error('crash');
      return '42';
    };
    await using world = await open(fails, { gate: { agentRateLimit: { max: 1, windowMs: 3_600_000 } } });
    const task = taskOf('one', 'six times seven');
    await give(world, task);
    await world.pass(60_000);
    expect(world.spool.message(assignmentResultId(task.id, ATLAS))).toMatchObject({ body: '42' });
    const error = 'It was not let in: rate-limited.';
    expect(outcome(await give(world, taskOf('two', 'again')))).toEqual({ ok: false, error });
  });

  it.each([
    ['an agent', agentAddress(idOf('Nova'))],
    ["another agent's connection", hubAnswers(idOf('Nova'))],
  ])('[SEC-05] [HUB-05] takes no task that %s puts into the mailbox as it is', async (_what, from) => {
    await using world = await open(() => 'never');
    const task = { ...taskOf('one', 'six times seven'), from };
    expect(await give(world, task)).toBe(null);
    const reason = 'an agent takes envelopes, and this is a task_assignment';
    expect(world.spool.status(task.id)).toMatchObject([{ status: 'failed', reason }]);
    expect(world.audit.tail(1)).toMatchObject([{ kind: 'envelope.refused', detail: reason }]);
    expect(world.turns).toEqual([]);
  });
});
