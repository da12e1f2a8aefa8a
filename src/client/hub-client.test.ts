import { describe, expect, it } from 'vitest';
import { answering } from '../../test/support/answering.ts';
import { HUB_TEST_SECRET, openHub } from '../../test/support/hub.ts';
import { openTestSpool } from '../../test/support/spool.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { HUB_MAX_BYTES } from '../protocol/hub-frames.ts';
import { HubClient } from './hub-client.ts';
import { HubError } from './hub-error.ts';
import { HUB_MOST_BYTES } from './hub-frames.ts';

const clientOf = (url: string, secret = HUB_TEST_SECRET): HubClient => new HubClient({ url, secret });

describe('a program that gives tasks to a hub', () => {
  it('[HUB-02] learns who is there', async () => {
    await using hub = await openHub();
    await hub.join('atlas');
    expect(await clientOf(hub.url, 'not needed for this').health()).toEqual({ agents: 1, uptime: expect.any(Number) });
    expect(await clientOf(hub.url).agents()).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: 'atlas',
        workspace: 'test',
        skills: ['testing'],
        connectedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ]);
  });

  it.each([
    ['http', ''],
    ['http', '/'],
    ['ws', ''],
    ['ws', '/ws'],
  ])('[HUB-02] finds the hub by %s://…%s', async (protocol, path) => {
    await using hub = await openHub();
    const client = clientOf(`${hub.url.replace('http', protocol)}${path}`);
    await using agent = client.join({ name: 'atlas', onTask: () => 'done' });
    await agent.ready;
    expect(await client.agents()).toMatchObject([{ name: 'atlas' }]);
  });

  it('[HUB-02] gives one a task, and all of them', async () => {
    await using hub = await openHub();
    for (const name of ['atlas', 'nova']) (await hub.join(name)).answerAll();
    const failing = await hub.join('bolt');
    const client = clientOf(hub.url);
    expect(await client.task('atlas', 'plan', { sender: 'admin' })).toBe('done: plan');
    const broadcast = client.broadcast('report', { sender: 'admin' });
    const { requestId, sender } = await failing.next('task');
    failing.send({ type: 'task-error', requestId, error: 'no time' });
    expect([sender, await broadcast]).toEqual([
      'admin',
      [
        { success: true, agent: 'atlas', response: 'done: report' },
        { success: true, agent: 'nova', response: 'done: report' },
        { success: false, agent: 'bolt', error: 'no time' },
      ],
    ]);
  });

  it('[HUB-07] queues a task once, and looks how far it is', async () => {
    await using store = openTestSpool();
    await using hub = await openHub({ spool: store.spool });
    const client = clientOf(hub.url);
    for (let i = 0; i < 2; i++) expect(await client.queue('atlas', 'plan', { id: 'plan/1' })).toBe('plan/1');
    expect(await client.taskStatus('plan/1')).toEqual({ id: 'plan/1', agent: 'atlas', status: 'waiting', attempts: 0 });
    (await hub.join('atlas')).answerAll();
    await expect
      .poll(() => client.taskStatus('plan/1'))
      .toEqual({ id: 'plan/1', agent: 'atlas', status: 'done', attempts: 1, response: 'done: plan' });
  });
});

describe('what a hub refuses', () => {
  const codeOf = (asking: Promise<unknown>): Promise<unknown> =>
    asking.then(
      () => 'nothing',
      (error: unknown) => (error instanceof HubError ? [error.code, error.status, error.retryAfterMs] : error),
    );

  it('[HUB-02] is told by its code', async () => {
    await using hub = await openHub({ taskTimeoutMs: 1 });
    await hub.join('silent');
    const client = clientOf(hub.url);
    expect(await codeOf(clientOf(hub.url, 'wrong').agents())).toEqual(['unauthorized', 401, null]);
    expect(await codeOf(client.task('nobody', 'x'))).toEqual(['unknown-agent', 404, null]);
    expect(await codeOf(client.task('silent', ''))).toEqual(['bad-request', 400, null]);
    expect(await codeOf(client.task('silent', 'x'))).toEqual(['timeout', 504, null]);
    expect(await codeOf(client.taskStatus('none'))).toEqual(['unknown-task', 404, null]);
    expect(await codeOf(client.queue('silent', 'x'))).toEqual(['no-database', 501, null]);
    expect(await codeOf(client.task('silent', 'x'.repeat(HUB_MAX_BYTES)))).toEqual(['too-large', null, null]);
  });

  it('[HUB-02] too many requests, and when to come back', async () => {
    await using hub = await openHub();
    const guesser = clientOf(hub.url, 'wrong');
    const answers: unknown[] = [];
    for (let i = 0; i < 11; i++) answers.push(await codeOf(guesser.agents()));
    expect(answers.at(-1)).toEqual(['rate-limited', 429, expect.any(Number)]);
    expect(answers.at(-1)).toHaveProperty(
      '2',
      expect.toSatisfy((ms: number) => ms >= 1_000 && ms <= 60_000),
    );
  });

  it.each([
    [200, '{"agents": 1}', 'unavailable'],
    [200, 'Welcome to nginx!', 'unavailable'],
    [503, '{"success": false, "error": "The hub is about to stop."}', 'unavailable'],
    [500, '', 'unavailable'],
    [409, '{}', 'id-taken'],
  ])('[HUB-02] also by another server: %i %s', async (status, body, code) => {
    await using server = await answering((_request, response) => response.writeHead(status).end(body));
    await expect(clientOf(server.url).agents()).rejects.toMatchObject({ code, status });
  });

  it('[HUB-02] nobody there', async () => {
    let url = '';
    {
      await using server = await answering(() => undefined);
      url = server.url;
    }
    await expect(clientOf(url).health()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('[HUB-02] an answer that does not come', async () => {
    const clock = new ManualClock();
    const asked = Promise.withResolvers<void>();
    await using server = await answering(() => asked.resolve());
    const answer = codeOf(new HubClient({ url: server.url, clock }).task('atlas', 'x', { timeoutMs: 5_000 }));
    await asked.promise;
    clock.advance(5_000);
    expect(await answer).toEqual(['timeout', null, null]);
    expect(clock.armed).toBe(0);
  });

  it('[HUB-02] what the caller does not want any more', async () => {
    await using server = await answering(() => undefined);
    const reason = new Error('changed my mind');
    const clock = new ManualClock();
    const client = new HubClient({ url: server.url, clock });
    await expect(client.task('atlas', 'x', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(clock.armed).toBe(0);
  });

  it('[SEC-05] the secret is not shown to another server', async () => {
    const seen: unknown[] = [];
    await using server = await answering(({ url }, response) => {
      seen.push(url);
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    await expect(clientOf(server.url).agents()).rejects.toMatchObject({ code: 'unavailable' });
    expect(seen).toEqual(['/agents']);
  });

  it.each(['', 'ftp://host', 'not a url', 'http://user@host', 'http://:word@host', 'http://host?x=1', 'wsx://host'])(
    '[HUB-02] %s is no address of a hub',
    (url) => {
      expect(() => clientOf(url)).toThrow(expect.objectContaining({ code: 'invalid-address' }));
    },
  );

  it('[HUB-02] the same length as the protocol', () => {
    expect(HUB_MOST_BYTES).toBe(HUB_MAX_BYTES);
  });
});
