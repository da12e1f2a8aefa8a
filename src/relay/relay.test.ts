import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { TestRelay, wireMessage } from '../../test/support/relay.ts';
import { agentId } from '../domain/addresses.ts';
import type { AgentCard } from '../domain/agent-card.ts';

const card = (id: string, changes: Partial<AgentCard> = {}): AgentCard => ({
  id: agentId(id),
  name: id,
  capabilities: [],
  device: 'here',
  transport: 'sqlite',
  phone: null,
  provider: null,
  metadata: {},
  ...changes,
});

const rows = (value: unknown): readonly Record<string, unknown>[] => (Array.isArray(value) ? value : []);
const messagesOf = (answer: { readonly body: Record<string, unknown> }) => rows(answer.body['messages']);

describe('the HTTP API of the relay', () => {
  it('[REL-02] carries a message: send, poll, ack, status', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const message = wireMessage('alice', 'bob', { metadata: { a: [1] }, x_unknown: 'kept' });
    expect(await relay.post('alice', 'send', message)).toMatchObject({
      status: 200,
      body: { message_id: message.id, status: 'queued', duplicate: false },
    });
    const polled = await relay.poll('bob', '?limit=5&lease=30');
    expect(polled).toMatchObject({ status: 200, body: { count: 1 } });
    const [received] = messagesOf(polled);
    const expiry = new Date(relay.spool.clock.now() + 30_000).toISOString();
    expect(received).toMatchObject({ ...message, attempt: 1, max_attempts: 3, lease_expires_at: expiry });
    const token = received?.['lease_token'];
    expect(await relay.post('bob', 'ack', { message_id: message.id, agent: 'bob', lease_token: token })).toMatchObject({
      status: 200,
      body: { message_id: message.id, status: 'acked' },
    });
    for (const agent of ['alice', 'bob']) {
      expect(await relay.status(agent, message.id)).toMatchObject({
        status: 200,
        body: { status: 'acked', deliveries: [{ agent: 'bob', status: 'acked', attempts: 1 }] },
      });
    }
  });

  it('[REL-02] a lease is exclusive, ends, and is not counted against the message when nobody fetched it', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    await relay.post('alice', 'send', wireMessage('alice', 'bob'));
    expect((await relay.poll('bob', '?lease=30')).body['count']).toBe(1);
    expect((await relay.poll('bob', '?lease=30')).body['count']).toBe(0);
    relay.spool.clock.advance(30_001);
    await relay.spool.settled();
    expect(messagesOf(await relay.poll('bob'))).toMatchObject([{ attempt: 2 }]);
  });

  it('[REL-04] what a poller has not settled when it polls again was lost on its way, and comes again at once', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    for (const id of ['one', 'two']) await relay.post('alice', 'send', wireMessage('alice', 'bob', { id }));
    const poll = async (poller: string) => messagesOf(await relay.poll('bob', `?poller=${poller}`));
    expect(await poll('a')).toMatchObject([{ id: 'one' }, { id: 'two' }]);
    expect(await poll('b')).toEqual([]);
    expect(await poll('b')).toEqual([]);
    expect(await poll('a')).toEqual([]);
    relay.spool.clock.advance(60_001);
    await relay.spool.settled();
    const again = [
      { id: 'one', attempt: 2 },
      { id: 'two', attempt: 2 },
    ];
    for (let lost = 0; lost < 5; lost++) expect(await poll('a')).toMatchObject(again);
    await relay.post('bob', 'ack', { message_id: 'one' });
    expect(await poll('a')).toMatchObject([{ id: 'two', attempt: 2 }]);
  });

  it('[REL-04] a poll that waits is over when the same poller polls again', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const first = relay.poll('bob', '?poller=a&wait=30');
    const second = relay.poll('bob', '?poller=a&wait=30');
    expect(messagesOf(await first)).toEqual([]);
    await relay.post('alice', 'send', wireMessage('alice', 'bob', { id: 'one' }));
    expect(messagesOf(await second)).toMatchObject([{ id: 'one' }]);
  });

  it('[REL-04] a conversation is handed out one message at a time, in order', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const routing = { conversation_id: 'c' };
    for (const id of ['one', 'two']) await relay.post('alice', 'send', wireMessage('alice', 'bob', { id, routing }));
    await relay.post('alice', 'send', wireMessage('alice', 'bob', { id: 'other' }));
    expect(messagesOf(await relay.poll('bob'))).toMatchObject([{ id: 'one' }, { id: 'other' }]);
    await relay.post('bob', 'nack', { message_id: 'one' });
    expect(messagesOf(await relay.poll('bob'))).toMatchObject([{ id: 'one' }]);
    await relay.post('bob', 'ack', { message_id: 'one' });
    expect(messagesOf(await relay.poll('bob'))).toMatchObject([{ id: 'two' }]);
  });

  it('[REL-02] nack gives a message back, with a reason; after the last attempt it has failed', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const { id } = wireMessage('alice', 'bob');
    await relay.post('alice', 'send', wireMessage('alice', 'bob', { id }));
    const statuses: unknown[] = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      await relay.poll('bob');
      statuses.push((await relay.post('bob', 'nack', { id, reason: 'busy' })).body['status']);
    }
    expect(statuses).toEqual(['queued', 'queued', 'failed']);
    expect(await relay.status('alice', id)).toMatchObject({ body: { deliveries: [{ reason: 'busy' }] } });
    expect((await relay.poll('bob')).body['count']).toBe(0);
  });

  it('[REL-02] [SEC-05] nack after ack gives nothing back, and ack after ack is no mistake', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const message = wireMessage('alice', 'bob');
    await relay.post('alice', 'send', message);
    await relay.poll('bob');
    for (let i = 0; i < 2; i++) expect((await relay.post('bob', 'ack', { message_id: message.id })).status).toBe(200);
    expect(await relay.post('bob', 'nack', { message_id: message.id })).toMatchObject({
      status: 409,
      body: { code: 'LEASE_LOST' },
    });
    expect((await relay.poll('bob')).body['count']).toBe(0);
  });

  it('[REL-02] a token of an older lease settles nothing', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const message = wireMessage('alice', 'bob');
    await relay.post('alice', 'send', message);
    const [first] = messagesOf(await relay.poll('bob'));
    await relay.post('bob', 'nack', { message_id: message.id });
    await relay.poll('bob');
    const stale = { message_id: message.id, lease_token: first?.['lease_token'] };
    expect((await relay.post('bob', 'ack', stale)).status).toBe(409);
    expect((await relay.status('bob', message.id)).body['status']).toBe('leased');
  });

  it('[REL-02] a message that is sent again is stored once', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const message = wireMessage('alice', 'bob');
    await relay.post('alice', 'send', message);
    expect(await relay.post('alice', 'send', message)).toMatchObject({ status: 200, body: { duplicate: true } });
    expect((await relay.poll('bob')).body['count']).toBe(1);
  });

  it('[REL-03] nobody can take an id away from a message, and no message passes for another', async () => {
    await using relay = await TestRelay.open(['alice', 'bob', 'mallory']);
    const message = wireMessage('alice', 'bob');
    await relay.post('mallory', 'send', { ...message, from: 'mallory' });
    for (const other of [message, { ...message, to: 'mallory' }])
      expect(await relay.post('alice', 'send', other)).toMatchObject({ status: 409, body: { code: 'ID_TAKEN' } });
    expect(await relay.post('mallory', 'send', { ...message, from: 'mallory', to: 'alice' })).toMatchObject({
      status: 409,
    });
  });

  it('[REL-02] a broadcast goes to every active agent but the sender', async () => {
    await using relay = await TestRelay.open(['alice', 'bob', 'carol']);
    for (const agent of ['alice', 'bob', 'carol'])
      expect((await relay.post(agent, 'agents/register', { agent_id: agent, capabilities: ['x'] })).status).toBe(200);
    const message = wireMessage('alice', '*');
    expect((await relay.post('alice', 'send', message)).status).toBe(200);
    expect((await relay.post('alice', 'send', message)).body['duplicate']).toBe(true);
    expect((await relay.poll('alice')).body['count']).toBe(0);
    for (const agent of ['bob', 'carol']) expect((await relay.poll(agent)).body['count']).toBe(1);
    await relay.post('bob', 'ack', { message_id: message.id });
    expect(await relay.status('bob', message.id)).toMatchObject({ body: { status: 'acked', deliveries: [{}] } });
    expect(rows((await relay.status('alice', message.id)).body['deliveries'])).toHaveLength(2);
  });

  it('[REL-02] tells how it is without a signature, and describes itself', async () => {
    await using relay = await TestRelay.open([]);
    expect(await relay.request('GET', 'health', {})).toMatchObject({ status: 200, body: { status: 'ok' } });
    const { paths } = (await relay.app.inject('/openapi.json')).json<{ paths: object }>();
    expect(Object.keys(paths).map((path) => path.replace(/\{(\w+)\}/, ':$1'))).toEqual([
      '/api/v1/send',
      '/api/v1/poll/:agent',
      '/api/v1/ack',
      '/api/v1/nack',
      '/api/v1/status/:id',
      '/api/v1/agents/register',
      '/api/v1/health',
    ]);
    for (const path of Object.keys(paths)) {
      const url = path.replace(/\{\w+\}/, 'x');
      const answers = await Promise.all((['GET', 'POST'] as const).map((method) => relay.app.inject({ method, url })));
      expect(answers.map(({ statusCode }) => statusCode).toSorted()[0], path).not.toBe(404);
    }
  });

  it('[REL-03] registering says who an agent is, and leaves the way to it alone', async () => {
    await using relay = await TestRelay.open(['bob', 'carol']);
    await relay.registry.register(card('carol', { transport: 'http', metadata: { relay_url: 'http://good' } }));
    const evil = { device: 'phone', capabilities: ['code'], metadata: { relay_url: 'http://evil', team: 'x' } };
    await relay.post('bob', 'agents/register', { id: 'bob', name: 'Bob', transport: 'http', ...evil });
    await relay.post('carol', 'agents/register', { id: 'carol', ...evil });
    expect(relay.registry.get(agentId('bob'))).toMatchObject({
      name: 'Bob',
      capabilities: ['code'],
      transport: 'sqlite',
      metadata: { team: 'x' },
    });
    expect(relay.registry.get(agentId('bob'))?.metadata).not.toHaveProperty('relay_url');
    expect(relay.registry.get(agentId('carol'))).toMatchObject({ metadata: { relay_url: 'http://good', team: 'x' } });
  });
});

describe('an agent', () => {
  it.each([
    ['polls another mailbox', (relay: TestRelay) => relay.poll('mallory', '', 'bob')],
    ['acks for another', (relay: TestRelay) => relay.post('mallory', 'ack', { message_id: 'm', agent: 'bob' })],
    ['nacks for another', (relay: TestRelay) => relay.post('mallory', 'nack', { message_id: 'm', agent: 'bob' })],
    ['sends as another', (relay: TestRelay) => relay.post('mallory', 'send', wireMessage('alice', 'bob'))],
    ['registers another', (relay: TestRelay) => relay.post('mallory', 'agents/register', { agent_id: 'bob' })],
  ])('[REL-03] [SEC-05] that %s is refused', async (_what, act) => {
    await using relay = await TestRelay.open(['alice', 'bob', 'mallory']);
    expect(await act(relay)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });

  it('[REL-03] does not learn of messages between others, and settles none of them', async () => {
    await using relay = await TestRelay.open(['alice', 'bob', 'mallory']);
    const message = wireMessage('alice', 'bob');
    await relay.post('alice', 'send', message);
    await relay.poll('bob');
    const answers = [
      await relay.status('mallory', message.id),
      await relay.post('mallory', 'ack', { message_id: message.id }),
      await relay.post('mallory', 'nack', { message_id: message.id }),
      // Nor does the sender settle what it has sent.
      await relay.post('alice', 'ack', { message_id: message.id }),
    ];
    for (const answer of answers) expect(answer).toMatchObject({ status: 404, body: { code: 'MESSAGE_UNKNOWN' } });
    expect((await relay.status('alice', message.id)).body['status']).toBe('leased');
  });
});

describe('what is refused', () => {
  it.each([
    ['no JSON', 'send', 'hello', 400, 'BAD_REQUEST'],
    ['nothing', 'send', '', 400, 'BAD_REQUEST'],
    ['JSON that is too deep', 'send', '['.repeat(100_000), 400, 'BAD_REQUEST'],
    ['half a message', 'send', { from: 'alice' }, 400, 'MESSAGE_INVALID'],
    ['a message for nobody', 'send', wireMessage('alice', 'nobody'), 404, 'AGENT_UNKNOWN'],
    ['a broadcast to nobody', 'send', wireMessage('alice', '*'), 404, 'AGENT_UNKNOWN'],
    ['a body of more than 1 MiB', 'send', 'x'.repeat(1024 * 1024 + 1), 413, 'TOO_LARGE'],
    ['an ack of nothing', 'ack', {}, 400, 'BAD_REQUEST'],
    ['an ack of what is not there', 'ack', { message_id: 'x' }, 404, 'MESSAGE_UNKNOWN'],
    ['another route', 'other', {}, 404, 'NOT_FOUND'],
  ])('[REL-02] %s', async (_what, operation, content, status, code) => {
    await using relay = await TestRelay.open(['alice']);
    const answer = await relay.post('alice', operation, content);
    expect(answer).toMatchObject({ status, body: { code, error: expect.any(String), hint: expect.any(String) } });
  });

  it('[REL-03] a poll gets no more than the bounds, whatever it asks for', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    for (let i = 0; i < 120; i++) await relay.post('alice', 'send', wireMessage('alice', 'bob'));
    const polled = await relay.poll('bob', '?limit=999999&lease=999999');
    expect(polled.body['count']).toBe(100);
    const longest = new Date(relay.spool.clock.now() + 3_600_000).toISOString();
    expect(messagesOf(polled)[0]).toMatchObject({ lease_expires_at: longest });
    expect((await relay.poll('bob', '?limit=0')).body['count']).toBe(1);
    expect((await relay.poll('bob', '?limit=-1')).status).toBe(400);
  });

  it('[REL-03] an answer has a bound too: what does not fit waits for the next poll', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const body = 'x'.repeat(900_000);
    for (let i = 0; i < 6; i++) await relay.post('alice', 'send', wireMessage('alice', 'bob', { body }));
    expect((await relay.poll('bob')).body['count']).toBe(4);
    expect(messagesOf(await relay.poll('bob'))).toMatchObject([{ attempt: 1 }, { attempt: 1 }]);
  });

  it('[REL-03] whoever asks too often is told when to come back, by agent and by address', async () => {
    const admits = { agent: (id: string) => id !== 'bob', address: () => true };
    await using relay = await TestRelay.open(['alice', 'bob'], { admits });
    expect((await relay.poll('alice')).status).toBe(200);
    expect(await relay.poll('bob')).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
    await using closed = await TestRelay.open([], { admits: { agent: () => true, address: () => false } });
    expect(await closed.request('GET', 'health', {})).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
  });

  it('[REL-03] an address is that of the client only when the proxy is known', async () => {
    const seen: string[] = [];
    const admits = { agent: () => true, address: (ip: string) => seen.push(ip) > 0 };
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    await using plain = await TestRelay.open([], { admits });
    await plain.request('GET', 'health', headers);
    await using proxied = await TestRelay.open([], { admits, trustedProxies: ['127.0.0.1'] });
    await proxied.request('GET', 'health', headers);
    expect(seen).toEqual(['127.0.0.1', '203.0.113.9']);
  });

  it('[REL-02] what the relay cannot store is said to be its own trouble, in no more words', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    await relay.spool.spool.close();
    expect(await relay.post('alice', 'send', wireMessage('alice', 'bob'))).toMatchObject({
      status: 503,
      body: { code: 'UNAVAILABLE', error: 'The relay cannot store anything just now.' },
    });
  });
});

describe('a poll that waits', () => {
  it('[REL-02] is answered as soon as there is something', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const polling = relay.poll('bob', '?wait=20');
    await relay.post('alice', 'send', wireMessage('alice', 'bob'));
    expect((await polling).body['count']).toBe(1);
  });

  it('[REL-02] is answered with nothing when the time is over', async () => {
    await using relay = await TestRelay.open(['bob']);
    const before = relay.spool.clock.armed;
    const polling = relay.poll('bob', '?wait=20');
    while (relay.spool.clock.armed === before) await relay.spool.settled();
    relay.spool.clock.advance(20_000);
    expect(await polling).toMatchObject({ status: 200, body: { messages: [], count: 0 } });
    expect(relay.spool.clock.armed).toBe(before);
  });

  it('[REL-03] is one of a few: an agent does not fill the relay with them', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const polls = Array.from({ length: 10 }, () => relay.poll('bob', '?wait=20'));
    const refused = await Promise.race(polls);
    expect(refused).toMatchObject({ status: 429 });
    expect((await relay.poll('alice')).status).toBe(200);
    await relay.app.close();
    expect((await Promise.all(polls)).map(({ status }) => status).toSorted()).toEqual([
      ...Array.from({ length: 8 }, () => 200),
      ...[429, 429],
    ]);
  });

  it('[REL-03] of a client that has hung up takes no message away', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const { port } = new URL(await relay.listen());
    const headers = Object.entries(relay.headers('bob', 'POLL:bob')).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = createConnection({ host: '127.0.0.1', port: Number(port) });
    const before = relay.spool.clock.armed;
    socket.write(`GET /api/v1/poll/bob?wait=30 HTTP/1.1\r\nhost: relay\r\n${headers.join('')}\r\n`);
    while (relay.spool.clock.armed === before) await relay.spool.settled();
    socket.destroy();
    while (relay.spool.clock.armed > before) await relay.spool.settled();
    await relay.post('alice', 'send', wireMessage('alice', 'bob'));
    expect(messagesOf(await relay.poll('bob'))).toMatchObject([{ attempt: 1 }]);
  });
});

describe('a socket', () => {
  it.each([
    ['what is no HTTP', 'hello\r\n\r\n', 400],
    ['headers that are too long', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST /api/v1/send HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
  ])('[REL-03] that brings %s is answered and closed', async (_what, bytes, status) => {
    await using relay = await TestRelay.open([]);
    const { port } = new URL(await relay.listen());
    const socket = createConnection({ host: '127.0.0.1', port: Number(port) });
    socket.write(bytes);
    expect(await text(socket)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect((await fetch(`http://127.0.0.1:${port}/api/v1/health`)).status).toBe(200);
  });

  it('[REL-03] that brings nothing for long is given up: the limits are set', async () => {
    await using relay = await TestRelay.open([]);
    const { headersTimeout, requestTimeout, timeout, maxConnections, maxHeadersCount } = relay.app.server;
    expect({ headersTimeout, requestTimeout, timeout, maxConnections, maxHeadersCount }).toEqual({
      headersTimeout: 5_000,
      requestTimeout: 15_000,
      timeout: 60_000,
      maxConnections: 2_000,
      maxHeadersCount: 64,
    });
  });
});
