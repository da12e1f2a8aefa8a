import { Agent, type IncomingMessage, request as sendRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TestRelay, wireMessage } from '../../test/support/relay.ts';

const REQUESTS = 10_000;
const CONNECTIONS = 16;

const ROUTES = ['send', 'ack', 'nack', 'agents/register', 'poll/alice', 'poll/bob', 'status/msg_1', 'health', ''];
const HEADERS = ['x-agent-id', 'x-timestamp', 'x-nonce', 'x-signature', 'content-type', 'x-forwarded-for'];

const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });
const names = fc.constantFrom('alice', 'bob', '*', '__proto__', 'mallory', '');
/** A message with one or more fields replaced by whatever JSON has. */
const message = fc
  .record({
    from: names,
    to: names,
    field: fc.constantFrom('id', 'body', 'payload', 'routing', 'metadata', 'timestamp', 'x'),
  })
  .chain(({ from, to, field }) => fc.jsonValue().map((value) => wireMessage(from, to, { [field]: value })));
const body = fc.oneof(
  message.map((value) => JSON.stringify(value)),
  fc.record({ message_id: fc.jsonValue(), agent: names, reason: fc.jsonValue() }).map((value) => JSON.stringify(value)),
  fc
    .record({ id: names, capabilities: fc.jsonValue(), metadata: fc.jsonValue() })
    .map((value) => JSON.stringify(value)),
  fc.json(),
  fc.string(),
  fc.constantFrom('', '[', '{"__proto__":{"a":1}}', '['.repeat(5_000), '"\\ud800"', 'null'),
);
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'),
  path: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...ROUTES).map((route) => `/api/v1/${route}`) },
    { weight: 1, arbitrary: fc.webPath().map((path) => `/${path}`) },
    { weight: 1, arbitrary: printable.map((text) => `/api/v1/poll/${encodeURIComponent(text)}`) },
    { weight: 1, arbitrary: printable.map((text) => `/${text.replaceAll(' ', '')}`) },
  ),
  query: fc.oneof(
    fc.constant(''),
    fc.webQueryParameters().map((text) => `?${text}`),
    fc.constant('?limit=5&lease=9'),
  ),
  body,
  signedBy: fc.constantFrom('alice', 'bob', null),
  changed: fc.dictionary(fc.constantFrom(...HEADERS), printable, { maxKeys: 1 }),
});

type Request = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

/** Over a socket that is used again and again: whatever comes, the next request on it is answered as well. */
async function statusOf(
  url: URL,
  { method, path, query, body }: Request,
  headers: Record<string, string>,
  agent: Agent,
) {
  const { hostname: host, port } = url;
  const content = method === 'GET' || method === 'HEAD' ? '' : body;
  const length = { 'content-length': String(Buffer.byteLength(content)) };
  const outgoing = sendRequest({
    host,
    port,
    method,
    path: `${path}${query}`,
    headers: { ...headers, ...length },
    agent,
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  outgoing.end(content);
  const response = await answered;
  await text(response);
  return response.statusCode ?? 0;
}

describe('whatever is sent to the relay', () => {
  it(`[REL-02] [REL-03] it answers, and goes on: ${REQUESTS} requests`, { timeout: 120_000 }, async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const url = new URL(await relay.listen());
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    const seed = Date.now() % 2 ** 31;
    const seen = new Set<number>();
    const requests = fc.sample(request, { numRuns: REQUESTS, seed }).values();
    const client = async (): Promise<void> => {
      for (const each of requests) {
        const { method, path, body, signedBy, changed } = each;
        const subject =
          method === 'GET' ? path.replace('/api/v1/poll/', 'POLL:').replace('/api/v1/status/', 'STATUS:') : body;
        const headers = { ...(signedBy && relay.headers(signedBy, subject)), ...changed };
        const status = await statusOf(url, each, headers, agent);
        seen.add(status);
        expect(status, `seed ${seed}: ${JSON.stringify(each)}`).toBeLessThan(500);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, client));
    agent.destroy();
    // It did not only turn everything away.
    for (const status of [200, 400, 401, 403, 404]) expect(seen).toContain(status);
    expect(Object.prototype).not.toHaveProperty('a');
    const message = wireMessage('alice', 'bob', { priority: 'critical' });
    expect((await relay.post('alice', 'send', message)).status).toBe(200);
    expect(await relay.poll('bob', '?limit=1')).toMatchObject({ body: { messages: [{ id: message.id }] } });
    expect(relay.spool.db.checkIntegrity()).toBe('ok');
  });
});
