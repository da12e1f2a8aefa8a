import { createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openHub } from '../../test/support/hub.ts';
import { AcceptedSecrets } from './secrets.ts';

const task = (agent: string, message = 'list running processes') => ({ agent, message, sender: 'admin' });

describe('the HTTP routes', () => {
  it('[HUB-02] tell without a secret that the hub is alive', async () => {
    await using hub = await openHub();
    await hub.join('network-ai');
    const { status, body } = await hub.ask('/health', { secret: null });
    expect([status, body]).toEqual([200, { status: 'ok', agents: 1, uptime: expect.any(Number) }]);
  });

  it('[HUB-02] list who is connected', async () => {
    await using hub = await openHub();
    await hub.join('network-ai', { workspace: 'ai-comms', skills: ['networking'] });
    const { status, body } = await hub.ask('/agents');
    expect(status).toBe(200);
    expect(body).toEqual({
      agents: [
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          name: 'network-ai',
          workspace: 'ai-comms',
          skills: ['networking'],
          connectedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        },
      ],
    });
  });

  it('[HUB-02] give a task to one agent, and its answer back', async () => {
    await using hub = await openHub();
    const agent = await hub.join('network-ai');
    const asked = hub.ask('/task', { body: task('network-ai') });
    const frame = await agent.next('task');
    expect(frame).toEqual({
      type: 'task',
      requestId: expect.any(String),
      message: 'list running processes',
      sender: 'admin',
    });
    agent.send({ type: 'task-response', requestId: frame['requestId'], response: 'none' });
    const { status, body } = await asked;
    expect([status, body]).toEqual([200, { success: true, agent: 'network-ai', response: 'none' }]);
  });

  it('[HUB-02] give a task to all', async () => {
    await using hub = await openHub();
    const [a, b] = [await hub.join('a'), await hub.join('b')];
    a.answerAll();
    const asked = hub.ask('/broadcast', { body: { message: 'status check', sender: 'admin' } });
    const { requestId } = await b.next('task');
    b.send({ type: 'task-error', requestId, error: 'out of order' });
    expect((await asked).body).toEqual({
      results: [
        { success: true, agent: 'a', response: 'done: status check' },
        { success: false, agent: 'b', error: 'out of order' },
      ],
    });
  });

  it('[HUB-02] say 502 for an agent that fails', async () => {
    await using hub = await openHub();
    const agent = await hub.join('a');
    const asked = hub.ask('/task', { body: task('a') });
    const { requestId } = await agent.next('task');
    agent.send({ type: 'task-error', requestId, error: 'out of order' });
    const { status, body } = await asked;
    expect([status, body]).toEqual([502, { success: false, agent: 'a', error: 'out of order' }]);
  });

  it('[HUB-02] say 504 for an agent that does not answer in time, and its answer comes too late', async () => {
    await using hub = await openHub({ taskTimeoutMs: 20 });
    const agent = await hub.join('a');
    const { status, body } = await hub.ask('/task', { body: task('a') });
    expect([status, body['success']]).toEqual([504, false]);
    const { requestId } = await agent.next('task');
    agent.send({ type: 'task-response', requestId, response: 'late' });
    expect((await agent.next('error'))['error']).toMatch(/no such request/);
  });

  it('[HUB-02] say 404 for an agent that is not there, and for anything else', async () => {
    await using hub = await openHub();
    expect((await hub.ask('/task', { body: task('nobody') })).status).toBe(404);
    expect((await hub.ask('/tasks/unknown')).status).toBe(404);
    expect((await hub.ask('/nothing')).status).toBe(404);
  });

  it('[HUB-02] say 409 for an id that is under way', async () => {
    await using hub = await openHub();
    const agent = await hub.join('a');
    const first = hub.ask('/task', { body: { ...task('a'), id: 'mine' } });
    await agent.next('task', ({ requestId }) => requestId === 'mine');
    expect((await hub.ask('/task', { body: { ...task('a'), id: 'mine' } })).status).toBe(409);
    agent.send({ type: 'task-response', requestId: 'mine', response: 1 });
    expect((await first).status).toBe(200);
  });

  it.each([
    ['nothing', undefined, /^The whole must be a JSON object/],
    ['null', null, /^The whole must be a JSON object/],
    ['a list', [], /^The whole must be a JSON object/],
    ['no agent', { message: 'x', sender: 'y' }, /^agent must be a name/],
    ['an agent that is no name', { agent: '../x', message: 'x' }, /^agent must be a name/],
    ['an agent named __proto__', '{"agent":"__proto__","message":"x"}', /^agent must be a name/],
    ['no message', { agent: 'a' }, /^message must be text/],
    ['an empty message', { agent: 'a', message: '' }, /^message must not be empty/],
    ['a message that is no text', { agent: 'a', message: { x: 1 } }, /^message must be text/],
    ['half of a character', '{"agent":"a","message":"\\ud800"}', /^message must be well-formed/],
    ['a sender that is no text', { agent: 'a', message: 'x', sender: 7 }, /^sender must be text/],
    ['a queue that is no boolean', { agent: 'a', message: 'x', queue: 'yes' }, /^queue must be true or false/],
    ['no JSON', '{', /JSON/],
  ])('[HUB-02] [HUB-06] say 400 and why: %s', async (_what, body, reason) => {
    await using hub = await openHub();
    const reply = await hub.ask('/task', { body: body === undefined ? 'null' : body });
    expect([reply.status, reply.body]).toEqual([400, { success: false, error: expect.stringMatching(reason) }]);
  });

  it('[HUB-02] [HUB-06] say 413 to more than 1 MiB, and 415 to what is no JSON', async () => {
    await using hub = await openHub();
    expect((await hub.ask('/task', { body: task('a', 'x'.repeat(1024 * 1024)) })).status).toBe(413);
    const plain = await hub.ask('/task', { body: '{}', headers: { 'content-type': 'text/plain' } });
    expect(plain.status).toBe(415);
  });

  it('[HUB-02] [HUB-06] say 429 with Retry-After when an agent has enough to do', async () => {
    await using hub = await openHub();
    const agent = await hub.join('a');
    const given = Array.from({ length: 32 }, () => hub.ask('/task', { body: task('a') }));
    for (const _ of given) await agent.next('task');
    const { status, headers } = await hub.ask('/task', { body: task('a') });
    expect([status, headers.get('retry-after')]).toEqual([429, '1']);
    agent.socket.terminate();
    await hub.stop();
    expect(new Set((await Promise.all(given)).map((reply) => reply.status))).toEqual(new Set([503]));
  });

  it('[HUB-02] say 401 without the secret', async () => {
    await using hub = await openHub();
    for (const path of ['/agents', '/tasks/x', '/events'])
      expect((await hub.ask(path, { secret: null })).status).toBe(401);
    expect((await hub.ask('/agents', { secret: 'wrong' })).status).toBe(401);
    expect((await hub.ask('/task', { body: task('a'), secret: 'wrong' })).status).toBe(401);
    expect((await hub.ask('/broadcast', { body: { message: 'x' }, secret: null })).status).toBe(401);
  });

  it('[HUB-02] drop a task that nobody waits for any more', async () => {
    await using hub = await openHub();
    const agent = await hub.join('a');
    const leaving = new AbortController();
    const asked = hub.ask('/task', { body: { ...task('a'), id: 'mine' }, signal: leaving.signal });
    await agent.next('task');
    leaving.abort();
    await expect(asked).rejects.toThrow();
    agent.answerAll();
    // While it is open the id is in use.
    await expect.poll(async () => (await hub.ask('/task', { body: { ...task('a'), id: 'mine' } })).status).toBe(200);
  });
});

describe('a secret', () => {
  it('[HUB-01] [SEC-05] is compared whatever its length, and each of several is right', () => {
    const secrets = new AcceptedSecrets(['old', 'a much longer new one']);
    expect(
      ['old', 'a much longer new one', 'ol', 'old ', '', 'x'.repeat(100_000)].map((s) => secrets.accept(s)),
    ).toEqual([true, true, false, false, false, false]);
    expect(secrets.accept(undefined)).toBe(false);
    expect(new AcceptedSecrets(['']).accept(undefined)).toBe(false);
    expect(new AcceptedSecrets([]).accept(undefined)).toBe(true);
  });

  it('[HUB-01] is exchanged while agents stay connected', async () => {
    await using hub = await openHub();
    const early = await hub.join('early');
    hub.secrets.replace(['new']);
    expect((await hub.ask('/agents')).status).toBe(401);
    const late = await hub.join('late', { secret: 'new' });
    late.answerAll();
    early.answerAll();
    const { body } = await hub.ask('/broadcast', { body: { message: 'x' }, secret: 'new' });
    expect(body['results']).toMatchObject([{ success: true }, { success: true }]);
  });
});

describe('a browser', () => {
  const allowedOrigins = ['https://panel.example.org'];

  it('[HUB-06] is let in only for pages that may use the hub', async () => {
    await using hub = await openHub({ allowedOrigins });
    const good = await hub.ask('/agents', { headers: { origin: 'https://panel.example.org' } });
    expect([good.status, good.headers.get('access-control-allow-origin')]).toEqual([200, 'https://panel.example.org']);
    const bad = await hub.ask('/agents', { headers: { origin: 'https://evil.example.org' } });
    expect([bad.status, bad.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });

  it('[HUB-06] is told beforehand what it may send', async () => {
    await using hub = await openHub({ allowedOrigins });
    const preflight = (origin: string) =>
      fetch(new URL('/task', hub.url), {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
      });
    const good = await preflight('https://panel.example.org');
    expect([good.status, good.headers.get('access-control-allow-headers')]).toEqual([
      204,
      'authorization, content-type',
    ]);
    expect((await preflight('https://evil.example.org')).status).toBe(403);
  });

  it('[HUB-06] [SEC-05] opens no WebSocket for another page', async () => {
    await using hub = await openHub({ allowedOrigins });
    await hub.join('a', { origin: 'https://panel.example.org' });
    await expect(hub.connect({ origin: 'https://evil.example.org' })).rejects.toThrow('403');
    await expect(hub.connect({ origin: 'null' })).rejects.toThrow('403');
  });

  it('[HUB-06] cannot be led to a hub without a secret by a name that was rebound', async () => {
    await using hub = await openHub({ secrets: new AcceptedSecrets([]) });
    expect((await hub.ask('/agents', { secret: null })).status).toBe(200);
    const { port } = new URL(hub.url);
    const answer = await raw(
      Number(port),
      'GET /agents HTTP/1.1\r\nHost: evil.example.org\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 403 /);
  });
});

/** Writes to a port as it is, and reads until the other side has had enough. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined).on('close', () => resolve(answer));
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part;
    });
    socket.write(text);
  });
}

describe('stopping', () => {
  it('[HUB-03] [HUB-01] tells the agents, lets them answer, and closes', async () => {
    await using hub = await openHub();
    const agent = await hub.join('a');
    const asked = hub.ask('/task', { body: task('a') });
    const { requestId } = await agent.next('task');
    const stopped = hub.stop();
    await agent.next('event', ({ event }) => event === 'hub-shutdown');
    agent.send({ type: 'task-response', requestId, response: 'just in time' });
    expect((await asked).body).toMatchObject({ success: true, response: 'just in time' });
    expect((await agent.closed).code).toBe(1001);
    await stopped;
  });

  it('[HUB-06] is not held up by sockets that say nothing', async () => {
    await using hub = await openHub();
    await hub.connect();
    const { port } = new URL(hub.url);
    const silent = raw(Number(port), 'POST /task HTTP/1.1\r\n');
    await hub.ask('/health');
    await hub.stop();
    await silent;
  });
});
