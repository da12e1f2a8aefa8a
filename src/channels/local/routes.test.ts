import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ParleyError } from '../../domain/errors.ts';
import type { Receive } from '../channel.ts';
import { type Asset, loadPage } from './page-assets.ts';
import { CONTACTS, flowEvent, newPhone, type Phone } from './phone.fixture.ts';
import { localRoutes } from './routes.ts';

const HOST = 'localhost:8080';
const SUGGESTIONS = [{ account: 'atlas', text: 'Create a group' }];
const problemShape = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string().min(1), hint: z.string().min(1) }),
});

let page: readonly Asset[];
let phone: Phone;
let app: FastifyInstance;
let receive: Receive;

beforeAll(async () => {
  page = await loadPage();
});
beforeEach(async () => {
  phone = newPhone();
  receive = async () => 'accepted';
  await phone.channel.start((arrival) => receive(arrival));
  app = Fastify();
  await app.register(
    localRoutes(phone.channel, { clock: phone.clock, page, offers: ['openai'], suggestions: SUGGESTIONS }),
  );
});
afterEach(() => app.close());

const get = (url: string, headers: Record<string, string> = {}) =>
  app.inject({ url, headers: { host: HOST, ...headers } });
const post = (payload: InjectOptions['payload'], headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url: '/api/messages',
    headers: { host: HOST, 'content-type': 'application/json', ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
const hello = { id: 'm1', account: 'atlas', text: 'hello' };

describe('what the page posts', () => {
  it('[RUN-01] a message is answered with 202 only once it is durable', async () => {
    const reached = Promise.withResolvers<void>();
    const committed = Promise.withResolvers<void>();
    receive = async () => {
      reached.resolve();
      await committed.promise;
      return 'accepted';
    };
    let answered = false;
    const answer = post(hello).then((response) => {
      answered = true;
      return response;
    });
    await reached.promise;
    expect(answered).toBe(false);
    committed.resolve();
    const response = await answer;
    expect([response.statusCode, response.json()]).toEqual([202, { id: 'm1', duplicate: false }]);
  });

  it('[CHN-01] a message without an id is given one; a repeated id is told as a duplicate', async () => {
    const given = await post({ account: 'atlas', text: 'hello' });
    expect(given.json()).toMatchObject({ id: expect.stringMatching(/^msg_/), duplicate: false });
    receive = async () => 'duplicate';
    const again = await post(hello);
    expect([again.statusCode, again.json()]).toEqual([202, { id: 'm1', duplicate: true }]);
  });

  it.each([
    ['no JSON', '{', {}, 400],
    ['null', 'null', {}, 400],
    ['a list', [], {}, 400],
    ['no text', { account: 'atlas' }, {}, 400],
    ['a number as the text', { ...hello, text: 1 }, {}, 400],
    ['a field that nobody knows', { ...hello, admin: true }, {}, 400],
    ['__proto__', '{"__proto__":{"account":"atlas"},"account":"atlas","text":"x"}', {}, 400],
    ['a kind of chat that nobody knows', { ...hello, peer: { kind: 'all', id: 'x' } }, {}, 400],
    ['an unknown contact', { ...hello, account: 'mallory' }, {}, 400],
    ['a text beyond the limit', { ...hello, text: 'x'.repeat(10_001) }, {}, 400],
    ['a form', 'account=atlas', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['plain text, which a foreign page may send unasked', JSON.stringify(hello), { 'content-type': 'text/plain' }, 400],
    ['a body beyond all limits', { ...hello, text: 'x'.repeat(70_000) }, {}, 413],
  ])('[SEC-05] %s is answered with what is wrong, and nothing is received', async (_what, body, headers, status) => {
    let received = 0;
    receive = async () => {
      received += 1;
      return 'accepted';
    };
    const response = await post(body, headers);
    expect(response.statusCode).toBe(status);
    expect(problemShape.parse(response.json()).error.code).toBe('MESSAGE_INVALID');
    expect(received).toBe(0);
  });

  it('[CHN-01] the longest text is taken, even when every character is escaped', async () => {
    const text = 'ż'.repeat(10_000);
    const response = await post(`{"account":"atlas","text":"${'\\u017c'.repeat(10_000)}"}`);
    expect(response.statusCode).toBe(202);
    expect(phone.log.list(1)[0]?.text).toBe(text);
  });

  it.each([
    ['the gate refuses', async () => 'refused' as const, 403, 'MESSAGE_REFUSED'],
    ['the disk is full', () => Promise.reject(new ParleyError('DISK_FULL', 'full')), 503, 'DISK_FULL'],
    ['the spool is closed', () => Promise.reject(new ParleyError('SPOOL_CLOSED', 'closed')), 503, 'SPOOL_CLOSED'],
    ['something unforeseen goes wrong', () => Promise.reject(new Error('secret detail')), 500, 'INTERNAL'],
  ])('[RUN-01] when %s the sender is told, and no bubble appears', async (_when, outcome, status, code) => {
    receive = outcome;
    const response = await post(hello);
    expect(response.statusCode).toBe(status);
    expect(problemShape.parse(response.json()).error.code).toBe(code);
    expect(response.body).not.toContain('secret detail');
    expect(phone.log.list(10)).toEqual([]);
  });

  it('[RUN-04] after the stop a message is answered with 503', async () => {
    await phone.channel.stop();
    expect((await post(hello)).statusCode).toBe(503);
  });
});

describe('what the page gets', () => {
  it('[RUN-01] the state has all that a page shows', async () => {
    await post(hello);
    phone.channel.flow(flowEvent());
    const response = await get('/api/state');
    expect(response.json()).toMatchObject({
      person: { id: '+15550100', name: 'You' },
      contacts: CONTACTS,
      messages: [{ id: 'm1', text: 'hello', mine: true, receipt: 'sent' }],
      flow: [flowEvent()],
      offers: ['openai'],
      suggestions: SUGGESTIONS,
      notice: null,
    });
    expect(response.headers['cache-control']).toBe('no-store');
  });

  it('[RUN-01] everything that the page links to is served from here, its TypeScript as JavaScript', async () => {
    const index = await get('/');
    expect(index.headers['content-type']).toContain('text/html');
    const links = [...index.body.matchAll(/(?:src|href)="([^"]+)"/g)].flatMap(([, link]) => link ?? []);
    expect(links).toEqual(expect.arrayContaining(['/page.js', '/page.css']));
    const seen = new Set<string>();
    for (const link of links) {
      if (seen.has(link)) continue;
      seen.add(link);
      const response = await get(link);
      expect([link, response.statusCode]).toEqual([link, 200]);
      if (!link.endsWith('.js')) continue;
      expect(response.headers['content-type']).toContain('text/javascript');
      expect(response.body).not.toMatch(/\bimport type\b|\binterface\b \w+ \{|\.ts'/);
      for (const [, name] of response.body.matchAll(/ from '\.(\/[^']+)'/g)) if (name) links.push(name);
    }
    expect([...seen]).toEqual(expect.arrayContaining(['/chats.js', '/flow-graph.js']));
  });

  it('[SEC-05] the page never turns text into markup and loads nothing from elsewhere', async () => {
    const index = await get('/');
    expect(index.body).not.toMatch(/https?:|style="|onclick|<script>|<style/);
    for (const name of [
      'chat-view',
      'chat-list',
      'composer',
      'dom',
      'envelope-panel',
      'flow-graph',
      'page',
      'surroundings',
    ]) {
      const { body } = await get(`/${name}.js`);
      expect(body).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/);
    }
  });

  it.each(['/', '/page.js', '/api/state', '/nothing'])(
    '[SEC-05] %s carries the headers that keep a browser safe',
    async (url) => {
      const { headers } = await get(url);
      expect(headers['content-security-policy']).toContain("default-src 'self'");
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  it.each(['/nothing', '/page.ts', '/tsconfig.json', '/../routes.ts', '/%2e%2e/routes.ts'])(
    '[SEC-05] %s is not there',
    async (url) => {
      const response = await get(url);
      expect(response.statusCode).toBe(404);
      expect(problemShape.parse(response.json()).error.code).toBe('NOT_FOUND');
    },
  );
});

describe('who is served', () => {
  const ways = [
    ['the page', () => ({ url: '/' })],
    ['the state', () => ({ url: '/api/state' })],
    ['the events', () => ({ url: '/api/events' })],
    ['a message', () => ({ method: 'POST', url: '/api/messages', payload: hello })],
    ['nothing', () => ({ url: '/nothing' })],
  ] as const;
  const foreignHosts = [
    'evil.example',
    'localhost.evil.example',
    'localhost.',
    '127.0.0.1.nip.io',
    'evil@localhost',
    '0.0.0.0',
    'localhost:80:80',
  ];
  const cases = ways.flatMap(([what, request]) => foreignHosts.map((host) => ({ what, request, host })));

  it.each(cases)(
    '[SEC-05] $what is refused to the host "$host", a name rebound to this machine',
    async ({ request, host }) => {
      const response = await app.inject({ ...request(), headers: { host } });
      expect(response.statusCode).toBe(403);
      expect(problemShape.parse(response.json()).error.code).toBe('HOST_REFUSED');
    },
  );

  it.each(['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '[::1]:8080'])(
    '[SEC-05] the host %s is this machine',
    async (host) => {
      expect((await get('/', { host })).statusCode).toBe(200);
    },
  );

  it.each([
    'http://evil.example',
    'http://localhost:9999',
    'http://localhost',
    'null',
    'http://localhost:8080.evil.example',
  ])('[SEC-05] a page from %s may neither post nor listen', async (origin) => {
    for (const response of [await post(hello, { origin }), await get('/api/events', { origin })]) {
      expect(response.statusCode).toBe(403);
      expect(problemShape.parse(response.json()).error.code).toBe('ORIGIN_REFUSED');
    }
    expect(phone.log.list(10)).toEqual([]);
  });

  it('[SEC-05] our own page may post', async () => {
    expect((await post(hello, { origin: `http://${HOST}` })).statusCode).toBe(202);
  });
});

describe('the events over a real socket', () => {
  it('[RUN-01] reach every open page as they happen, and closing the server ends them', async () => {
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    const streams = await Promise.all([openStream(address), openStream(address)]);
    await fetch(`${address}/api/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...hello, text: 'two\nlines' }),
    });
    for (const stream of streams) {
      const text = await stream.until('"text":"two\\nlines"');
      expect(text).toMatch(/^retry: \d+\n\nid: 1\ndata: \{.*\}\n\n$/);
    }
    await app.close();
    for (const stream of streams) expect(await stream.ended()).toBe(true);
  });

  it('[SEC-05] carry the same headers as everything else', async () => {
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    const { headers, cancel } = await openStream(address);
    expect(headers.get('content-type')).toBe('text/event-stream');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    await cancel();
  });

  it('[RUN-04] a page that goes away leaves nothing behind', async () => {
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    const gone = Promise.withResolvers<void>();
    app.server.once('connection', (socket) => socket.once('close', () => gone.resolve()));
    const stream = await openStream(address);
    expect(phone.clock.armed).toBe(1);
    await stream.cancel();
    await gone.promise;
    expect(phone.clock.armed).toBe(0);
  });
});

async function openStream(address: string) {
  const abort = new AbortController();
  const response = await fetch(`${address}/api/events`, { signal: abort.signal });
  if (!response.body) throw new Error('The stream has no body.');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const read = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    text += value ?? '';
    return done;
  };
  await read();
  return {
    headers: response.headers,
    async until(part: string): Promise<string> {
      while (!text.includes(part)) if (await read()) throw new Error(`The stream ended after: ${text}`);
      return text;
    },
    async ended(): Promise<boolean> {
      return await read();
    },
    async cancel(): Promise<void> {
      abort.abort();
      await reader.closed.catch(() => {});
    },
  };
}
