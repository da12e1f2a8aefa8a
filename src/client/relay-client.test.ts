import { describe, expect, it } from 'vitest';
import { answering } from '../../test/support/answering.ts';
import { TestRelay } from '../../test/support/relay.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { RelayClient } from './relay-client.ts';
import { RelayError } from './relay-error.ts';

/** A relay that listens, and clients for its agents. */
async function openRelay(...agents: string[]) {
  const relay = await TestRelay.open(agents);
  const url = await relay.listen();
  const { clock } = relay.spool;
  const clientOf = (agent: string, secret = relay.secretOf(agent) ?? 'none'): RelayClient =>
    new RelayClient({ url, agent, secret, clock });
  return { relay, clientOf, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

const clientAt = (url: string): RelayClient =>
  new RelayClient({ url, agent: 'bob', secret: 'secret', clock: new ManualClock() });

const codeOf = (asking: Promise<unknown>): Promise<unknown> =>
  asking.then(
    () => 'nothing',
    (error: unknown) => (error instanceof RelayError ? [error.code, error.status, error.mayPass] : error),
  );

describe('a program at a relay', () => {
  it('[REL-02] sends with no more than it has to say', async () => {
    await using at = await openRelay('alice', 'bob');
    const { id, duplicate } = await at.clientOf('alice').send({ to: 'bob', body: 'Hello' });
    expect([id, duplicate]).toEqual([expect.stringMatching(/^msg_/), false]);
    expect(await at.clientOf('bob').poll()).toEqual([
      {
        id,
        token: expect.any(String),
        attempt: 1,
        message: {
          id,
          version: '2.0',
          from: 'alice',
          to: 'bob',
          subject: '',
          body: 'Hello',
          timestamp: '2026-01-01T00:00:00.000Z',
          priority: 'normal',
          routing: { reply_to: null, conversation_id: expect.any(String), ttl_hours: null },
          payload: { type: 'text', data: {} },
          metadata: {},
        },
      },
    ]);
  });

  it('[REL-02] sends again what may have arrived, and it is stored once', async () => {
    await using at = await openRelay('alice', 'bob');
    const alice = at.clientOf('alice');
    for (const duplicate of [false, true]) {
      expect(await alice.send({ id: 'mine', to: 'bob', body: 'Hello' })).toEqual({ id: 'mine', duplicate });
    }
    expect(await at.clientOf('bob').poll({ limit: 5 })).toHaveLength(1);
  });

  it('[REL-02] acks, gives back, and looks how it stands', async () => {
    await using at = await openRelay('alice', 'bob');
    const [alice, bob] = [at.clientOf('alice'), at.clientOf('bob')];
    await alice.send({ id: 'a/1', to: 'bob', body: 'Hello' });
    const [first] = await bob.poll({ leaseSeconds: 30 });
    await bob.nack('a/1', first?.token, 'not now');
    expect(await alice.status('a/1')).toEqual({
      id: 'a/1',
      status: 'queued',
      deliveries: [{ agent: 'bob', status: 'queued', attempts: 1, reason: 'not now' }],
    });
    const [second] = await bob.poll();
    expect([second?.attempt, second?.token === first?.token]).toEqual([2, false]);
    expect(await codeOf(bob.ack('a/1', first?.token))).toEqual(['LEASE_LOST', 409, false]);
    await bob.ack('a/1', second?.token);
    expect((await bob.status('a/1')).status).toBe('acked');
  });

  it('[REL-02] makes itself known, and sees whether the relay is there', async () => {
    await using at = await openRelay('bob');
    await at.clientOf('bob').register({ name: 'Bob', capabilities: ['code'], metadata: { team: 'core' } });
    expect(at.relay.registry.list()).toMatchObject([
      { name: 'Bob', capabilities: ['code'], metadata: { team: 'core' } },
    ]);
    expect(await at.clientOf('nobody').health()).toEqual({ uptime: 0, timestamp: 1767225600 });
  });

  it('[REL-02] waits for messages until it does not want to any more', async () => {
    await using at = await openRelay('alice', 'bob');
    const waiting = at.clientOf('bob').poll({ waitSeconds: 30 });
    await at.clientOf('alice').send({ to: 'bob', body: 'Hello' });
    expect(await waiting).toHaveLength(1);
    const reason = new Error('enough');
    const stop = new AbortController();
    const another = at.clientOf('bob').poll({ waitSeconds: 30, signal: stop.signal });
    stop.abort(reason);
    await expect(another).rejects.toBe(reason);
  });
});

describe('what a relay refuses', () => {
  it('[REL-04] to answer in time: 10 s, and as long as it was asked to wait', async () => {
    const clock = new ManualClock();
    const asked = Promise.withResolvers<void>();
    await using server = await answering(() => asked.resolve());
    const client = new RelayClient({ url: server.url, agent: 'bob', secret: 'secret', clock });
    const polled = codeOf(client.poll({ waitSeconds: 20 }));
    await asked.promise;
    clock.advance(29_999);
    expect(clock.armed).toBe(1);
    clock.advance(1);
    expect(await polled).toEqual(['UNREACHABLE', null, true]);
  });

  it('[REL-03] is told by its code', async () => {
    await using at = await openRelay('alice', 'bob');
    const alice = at.clientOf('alice');
    expect(await codeOf(at.clientOf('alice', 'wrong').poll())).toEqual(['UNAUTHENTICATED', 401, false]);
    expect(await codeOf(alice.send({ from: 'bob', to: 'bob' }))).toEqual(['FORBIDDEN', 403, false]);
    expect(await codeOf(alice.send({ to: 'nobody' }))).toEqual(['AGENT_UNKNOWN', 404, false]);
    expect(await codeOf(alice.status('none'))).toEqual(['MESSAGE_UNKNOWN', 404, false]);
    expect(await codeOf(alice.send({ to: 'bob', body: 'x'.repeat(1024 * 1024) }))).toEqual(['TOO_LARGE', 413, false]);
  });

  it.each([
    [200, '{}', ['UNEXPECTED_ANSWER', null, true]],
    [200, '{"messages": [{"body": "whose?"}]}', ['UNEXPECTED_ANSWER', null, true]],
    [404, 'Not here', ['HTTP_404', 404, false]],
    [503, '{"error": "later", "code": "UNAVAILABLE"}', ['UNAVAILABLE', 503, true]],
    [429, '{"error": "later", "code": "RATE_LIMITED"}', ['RATE_LIMITED', 429, true]],
    [307, '', ['UNREACHABLE', null, true]],
  ])('[REL-02] also by another server: %i %s', async (status, body, expected) => {
    await using server = await answering((_request, response) =>
      response.writeHead(status, { location: '/elsewhere' }).end(body),
    );
    expect(await codeOf(clientAt(server.url).poll())).toEqual(expected);
  });

  it('[REL-02] says when to come back', async () => {
    await using server = await answering((_request, response) =>
      response.writeHead(429, { 'retry-after': '10' }).end(),
    );
    await expect(clientAt(server.url).health()).rejects.toMatchObject({
      retryAfterMs: 10_000,
      reason: 'it answered 429',
    });
  });

  it.each(['', 'ws://host', 'not a url', 'http://user@host', 'http://:word@host', 'http://host?x=1'])(
    '[REL-03] %s is no address of a relay',
    (url) => {
      expect(() => new RelayClient({ url, agent: 'bob', secret: 'x' })).toThrow(RelayError);
    },
  );
});
