import { get } from 'node:http';
import { describe, expect, it } from 'vitest';
import { HUB_TEST_SECRET, type HubFixture, openHub } from '../../test/support/hub.ts';
import { draft, mailbox, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';

const task = { agent: 'a', message: 'build it', sender: 'admin', queue: true };

describe('a task for an agent that is away', () => {
  it('[HUB-07] waits, is given when the agent comes, and its answer can be looked up', async () => {
    await using t = await openTestSpool();
    await using hub = await openHub(t);
    const accepted = await hub.ask('/task', { body: task });
    const id = String(accepted.body['taskId']);
    expect([accepted.status, accepted.headers.get('location')]).toEqual([202, `/tasks/${id}`]);
    expect(accepted.body).toEqual({ success: true, agent: 'a', taskId: id, status: 'waiting', duplicate: false });

    const agent = await hub.join('a');
    const given = await agent.next('task');
    expect(given).toEqual({ type: 'task', requestId: id, message: 'build it', sender: 'admin' });
    expect((await hub.ask(`/tasks/${id}`)).body).toEqual({ id, agent: 'a', status: 'given', attempts: 1 });

    agent.send({ type: 'task-response', requestId: id, response: { built: true } });
    await expect.poll(async () => (await hub.ask(`/tasks/${id}`)).body['status']).toBe('done');
    const done = { id, agent: 'a', status: 'done', attempts: 1, response: { built: true } };
    expect((await hub.ask(`/tasks/${id}`)).body).toEqual(done);
    expect((await hub.ask(`/tasks/${id}`)).body).toEqual(done);
  });

  it('[HUB-07] is one task, however often it is sent under its id', async () => {
    await using t = await openTestSpool();
    await using hub = await openHub(t);
    const send = async (changes: object = {}) => hub.ask('/task', { body: { ...task, id: 'mine', ...changes } });
    expect((await send()).body).toMatchObject({ taskId: 'mine', duplicate: false });
    expect((await send()).body).toMatchObject({ taskId: 'mine', duplicate: true });
    expect((await send({ agent: 'b' })).status).toBe(409);
    const agent = await hub.join('a');
    agent.answerAll();
    await expect.poll(async () => (await hub.ask('/tasks/mine')).body['status']).toBe('done');
    expect(agent.frames.filter(({ type }) => type === 'task')).toHaveLength(1);
  });

  it('[HUB-07] is given again to one that left without an answer', async () => {
    await using t = await openTestSpool();
    await using hub = await openHub(t);
    await hub.ask('/task', { body: { ...task, id: 'mine' } });
    const first = await hub.join('a');
    await first.next('task');
    first.socket.terminate();
    await expect.poll(async () => (await hub.ask('/tasks/mine')).body['status']).toBe('waiting');
    const second = await hub.join('a');
    expect(await second.next('task')).toMatchObject({ requestId: 'mine' });
    second.send({ type: 'task-response', requestId: 'mine', response: 1 });
    await expect.poll(async () => (await hub.ask('/tasks/mine')).body['status']).toBe('done');
  });

  it('[HUB-07] that brings its agent down each time ends as failed', async () => {
    await using t = await openTestSpool();
    await using hub = await openHub(t);
    await hub.ask('/task', { body: { ...task, id: 'mine' } });
    for (let attempt = 1; attempt <= 10; attempt++) {
      const agent = await hub.join('a');
      await agent.next('task');
      agent.socket.terminate();
      const next = attempt < 10 ? 'waiting' : 'failed';
      await expect.poll(async () => (await hub.ask('/tasks/mine')).body['status']).toBe(next);
      await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBe(0);
    }
    expect((await hub.ask('/tasks/mine')).body).toMatchObject({
      attempts: 10,
      error: 'The agent left before it answered.',
    });
  });

  it('[HUB-07] says when the agent failed', async () => {
    await using t = await openTestSpool();
    await using hub = await openHub(t);
    await hub.ask('/task', { body: { ...task, id: 'mine' } });
    const agent = await hub.join('a');
    await agent.next('task');
    agent.send({ type: 'task-error', requestId: 'mine', error: 'out of order' });
    await expect
      .poll(async () => (await hub.ask('/tasks/mine')).body)
      .toMatchObject({ status: 'failed', error: 'out of order' });
  });

  it('[HUB-07] outlives the hub', async () => {
    await using t = await openTestSpool();
    await using first = await openHub(t);
    await first.ask('/task', { body: { ...task, id: 'mine' } });
    const agent = await first.join('a');
    await agent.next('task');
    agent.socket.terminate();
    await first.stop();
    await using second = await openHub(t);
    const back = await second.join('a');
    expect(await back.next('task')).toMatchObject({ requestId: 'mine' });
  });

  it('[HUB-07] is refused by a hub without a database, in words', async () => {
    await using hub = await openHub();
    const { status, body } = await hub.ask('/task', { body: task });
    expect([status, body]).toEqual([501, { success: false, agent: 'a', error: expect.stringContaining('--db') }]);
  });

  it('[HUB-07] is known by its id alone: no other message of the database is shown', async () => {
    await using t = await openTestSpool();
    await using hub = await openHub(t);
    const message = draft('a');
    await t.spool.send([message]);
    expect((await hub.ask(`/tasks/${message.id}`)).status).toBe(404);
    await hub.join('a');
    await expect.poll(() => t.spool.status(message.id)[0]).toMatchObject({ status: 'queued', attempts: 0 });
    expect(await t.spool.claim(mailbox('a'))).toEqual([]);
  });
});

describe('whoever waits for the end of a task', () => {
  /** Begins to wait for the task `mine`, and resolves when the hub has heard of it. */
  async function waitingFor(t: SpoolFixture, hub: HubFixture, seconds: number) {
    await hub.ask('/task', { body: { ...task, id: 'mine' } });
    const { armed } = t.clock;
    const reply = hub.ask(`/tasks/mine?wait=${seconds}`);
    await expect.poll(() => t.clock.armed).toBe(armed + 1);
    return { reply, armed };
  }

  it('[HUB-05] [HUB-07] is answered when it has come to its end, and not before', async () => {
    await using t = openTestSpool();
    await using hub = await openHub(t);
    const agent = await hub.join('a');
    const { reply, armed } = await waitingFor(t, hub, 60);
    const { requestId } = await agent.next('task');
    agent.send({ type: 'task-response', requestId, response: 'built' });
    expect((await reply).body).toMatchObject({ status: 'done', response: 'built' });
    expect((await hub.ask('/tasks/mine?wait=60')).body).toMatchObject({ status: 'done' });
    expect(t.clock.armed).toBeLessThanOrEqual(armed);
  });

  it('[HUB-07] hears of a failure as well', async () => {
    await using t = openTestSpool();
    await using hub = await openHub(t);
    const agent = await hub.join('a');
    const { reply } = await waitingFor(t, hub, 60);
    const { requestId } = await agent.next('task');
    agent.send({ type: 'task-error', requestId, error: 'out of order' });
    expect((await reply).body).toMatchObject({ status: 'failed', error: 'out of order' });
  });

  it('[HUB-07] is not answered when the agent only leaves: another attempt follows', async () => {
    await using t = openTestSpool();
    await using hub = await openHub(t);
    const first = await hub.join('a');
    const { reply } = await waitingFor(t, hub, 60);
    await first.next('task');
    first.socket.terminate();
    await expect.poll(() => t.spool.stats().deliveries.queued).toBe(1);
    const second = await hub.join('a');
    second.answerAll();
    expect((await reply).body).toMatchObject({ status: 'done', attempts: 2 });
  });

  it('[HUB-05] [HUB-07] is told how far it is when the time is up', async () => {
    await using t = openTestSpool();
    await using hub = await openHub(t);
    const { reply } = await waitingFor(t, hub, 1.5);
    t.clock.advance(1_499);
    const early = Symbol('not answered');
    expect(await Promise.race([reply, hub.ask('/health').then(() => early)])).toBe(early);
    t.clock.advance(1);
    expect((await reply).body).toEqual({ id: 'mine', agent: 'a', status: 'waiting', attempts: 0 });
  });

  it('[HUB-07] and when the hub stops', async () => {
    await using t = openTestSpool();
    await using hub = await openHub(t);
    const { reply } = await waitingFor(t, hub, 60);
    await hub.stop();
    expect((await reply).body).toMatchObject({ status: 'waiting' });
  });

  it('[HUB-06] [HUB-07] leaves nothing behind when it goes', async () => {
    await using t = openTestSpool();
    await using hub = await openHub(t);
    await hub.ask('/task', { body: { ...task, id: 'mine' } });
    const { armed } = t.clock;
    const headers = { authorization: `Bearer ${HUB_TEST_SECRET}` };
    // `fetch` would open another connection at once, which the hub then waits for.
    const request = get(new URL('/tasks/mine?wait=60', hub.url), { headers, agent: false });
    request.on('error', () => undefined);
    await expect.poll(() => t.clock.armed).toBe(armed + 1);
    request.destroy();
    await expect.poll(() => t.clock.armed).toBe(armed);
  });

  it('[HUB-07] does not wait for what is not there', async () => {
    await using t = openTestSpool();
    await using hub = await openHub(t);
    expect((await hub.ask('/tasks/unknown?wait=60')).status).toBe(404);
    await using forgetful = await openHub();
    expect((await forgetful.ask('/tasks/unknown?wait=60')).status).toBe(404);
  });

  it.each(['61', '-1', 'soon', 'Infinity', 'NaN', '1&wait=2'])(
    '[HUB-06] [HUB-07] waits no time such as %s',
    async (time) => {
      await using t = openTestSpool();
      await using hub = await openHub(t);
      await hub.ask('/task', { body: { ...task, id: 'mine' } });
      const { status, body } = await hub.ask(`/tasks/mine?wait=${time}`);
      expect([status, body]).toEqual([400, { success: false, error: expect.stringMatching(/^wait must be/) }]);
    },
  );
});

describe('a message for an agent that is away', () => {
  it('[HUB-04] [HUB-07] [SEC-05] is not lost: it arrives when the agent comes', async () => {
    await using t = await openTestSpool();
    await using hub = await openHub(t);
    const a = await hub.join('a');
    for (const message of [1, 2, 3]) a.send({ type: 'agent-message', target: 'b', message });
    await expect.poll(() => t.spool.stats().deliveries.queued).toBe(3);
    const b = await hub.join('b');
    const arrived = [await b.next('agent-message'), await b.next('agent-message'), await b.next('agent-message')];
    expect(arrived).toEqual([1, 2, 3].map((message) => ({ type: 'agent-message', from: 'a', message })));
    await expect.poll(() => t.spool.stats().deliveries.acked).toBe(3);
  });

  it('[HUB-07] stays when it was written to a socket that nobody reads any more', async () => {
    await using t = await openTestSpool();
    await using hub = await openHub(t);
    const [a, b] = [await hub.join('a'), await hub.join('b')];
    b.socket.pause();
    a.send({ type: 'agent-message', target: 'b', message: 'x' });
    await expect.poll(() => t.spool.stats().deliveries.leased).toBe(1);
    b.socket.terminate();
    await expect.poll(() => t.spool.stats().deliveries.queued).toBe(1);
    const back = await hub.join('b');
    expect((await back.next('agent-message'))['message']).toBe('x');
  });
});
