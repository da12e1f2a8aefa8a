import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tool } from 'ai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { silentLogger } from '../lib/logger.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { ModelChain } from './chain.ts';
import type { ChainLink } from './link.ts';
import type { ModelRequest } from './model-call.ts';
import type { ModelLimits } from './patience.ts';
import { RateCap } from './rate-cap.ts';
import { chainLink } from './settings.ts';

type Reply = RequestListener;

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: '1', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const stream = (...parts: string[]): Reply => {
  return (_request, response) => {
    response.setHeader('content-type', 'text/event-stream');
    response.end(parts.join(''));
  };
};

const answers = (content: string): Reply => stream(chunk({ content }), chunk({}, 'stop'), 'data: [DONE]\n\n');
const status = (code: number, headers: Record<string, string> = {}): Reply => {
  return (_request, response) => response.writeHead(code, headers).end('{"error":{"message":"no"}}');
};
const hangs: Reply = () => clock.advance(LIMITS.idleMs);
const hangsHalfWay: Reply = (_request, response) => {
  response.setHeader('content-type', 'text/event-stream');
  response.write(chunk({ content: 'Once upon' }), () => clock.advance(LIMITS.idleMs));
};
const cuts: Reply = (_request, response) => {
  response.setHeader('content-type', 'text/event-stream');
  response.write(chunk({ content: 'Once upon' }), () => response.destroy());
};
const endsEarly = stream(chunk({ content: 'Once upon' }));
const garbage = stream('data: <html>\n\n');
const page: Reply = (_request, response) => response.setHeader('content-type', 'text/html').end('<h1>Welcome</h1>');
const filters = stream(chunk({ content: 'I ' }), chunk({}, 'content_filter'));
const callsTool = stream(
  chunk({
    tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'note', arguments: '{"text":"hi"}' } }],
  }),
  chunk({}, 'tool_calls'),
);

/** One server for several providers: the first part of the path says which, and each has its replies, the last for ever. */
let server: Server;
let origin: string;
let replies: Map<string, Reply[]>;
let requests: string[];

beforeEach(async () => {
  replies = new Map();
  requests = [];
  server = createServer((request, response) => {
    const name = request.url?.split('/')[1] ?? '';
    requests.push(name);
    const queue = replies.get(name) ?? [];
    const reply = queue.length > 1 ? queue.shift() : queue[0];
    request.resume();
    (reply ?? status(404))(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  origin = `http://127.0.0.1:${z.object({ port: z.number() }).parse(server.address()).port}`;
});
afterEach(() => {
  expect(clock.armed).toBe(0);
  server.closeAllConnections();
  server.close();
});

function link(name: string, ...script: Reply[]): ChainLink {
  replies.set(name, script);
  const baseUrl = `${origin}/${name}/v1`;
  return { ...chainLink({ provider: 'openai-compatible', model: name, baseUrl }, 'Atlas'), modelId: name };
}

const clock = new ManualClock();
const LIMITS: ModelLimits = { idleMs: 5000, totalMs: 10_000 };
const chainOf = (links: ChainLink[]) => new ModelChain(links, { clock, logger: silentLogger, limits: LIMITS });
const request = (): ModelRequest => ({
  system: 'You are Atlas.',
  messages: [{ role: 'user', content: 'my diary' }],
  tools: {},
  maxSteps: 3,
});

async function failureOf(chain: ModelChain) {
  const result = await chain.generate(request);
  if (result.ok) throw new Error('it answered');
  return result.error;
}

describe('failover chain', () => {
  it.each<[string, Reply, string]>([
    ['HTTP 429', status(429, { 'retry-after': '7' }), 'rate-limited'],
    ['HTTP 500', status(500), 'unavailable'],
    ['a hang before the first byte', hangs, 'timeout'],
    ['a hang half way', hangsHalfWay, 'timeout'],
    ['a connection cut half way', cuts, 'network'],
    ['an answer that ends early', endsEarly, 'malformed'],
    ['garbage in the stream', garbage, 'malformed'],
    ['a page instead of an answer', page, 'malformed'],
    ['an empty answer', answers(''), 'malformed'],
    ['a wrong key', status(401), 'misconfigured'],
    ['a request that is too long', status(413), 'rejected'],
    ['a refusal', filters, 'refused'],
  ])('[PRV-02] %s: the next one answers', async (_name, fault, kind) => {
    const chain = chainOf([link('a', fault), link('b', answers('Hello.')), link('c', answers('no'))]);
    expect(await chain.generate(request)).toMatchObject({
      ok: true,
      value: { text: 'Hello.', modelId: 'b', failedOver: [{ provider: 'openai-compatible', kind }] },
    });
    expect(requests).toEqual(['a', 'b']);
  });

  it('[PRV-02] nobody at the address: the next one answers', async () => {
    const closed = createServer();
    await once(closed.listen(0, '127.0.0.1'), 'listening');
    const { port } = z.object({ port: z.number() }).parse(closed.address());
    await once(closed.close(), 'close');
    const baseUrl = `http://127.0.0.1:${port}/v1`;
    const dead = chainLink({ provider: 'openai-compatible', model: 'm', baseUrl }, 'Atlas');
    const result = await chainOf([dead, link('b', answers('Hello.'))]).generate(request);
    expect(result).toMatchObject({ ok: true, value: { failedOver: [{ kind: 'network' }] } });
  });

  it('[PRV-02] a provider without its key is passed over', async () => {
    const chain = chainOf([chainLink({ provider: 'openai' }, 'Atlas'), link('b', answers('Hello.'))]);
    expect(await chain.generate(request)).toMatchObject({
      ok: true,
      value: { failedOver: [{ kind: 'misconfigured' }] },
    });
  });

  it('[PRV-03] all down: says when it is worth another try', async () => {
    const chain = chainOf([
      link('a', status(429, { 'retry-after': '20' })),
      link('b', status(429, { 'retry-after': '8' })),
    ]);
    expect(await failureOf(chain)).toMatchObject({ kind: 'down', retryAfterMs: 8000, tried: [{}, {}] });
    clock.advance(3000);
    expect(await failureOf(chain)).toMatchObject({ kind: 'down', retryAfterMs: 5000 });
    expect(requests).toEqual(['a', 'b']);
  });

  it('[PRV-02] one that is down is worth waiting for, wrong keys alone are not', async () => {
    expect(await failureOf(chainOf([link('a', status(401)), link('b', status(503))]))).toMatchObject({ kind: 'down' });
    expect(await failureOf(chainOf([link('a', status(401)), link('b', status(400))]))).toMatchObject({
      kind: 'misconfigured',
      tried: [{ kind: 'misconfigured', detail: 'HTTP 401' }, { kind: 'rejected' }],
    });
    expect(await failureOf(chainOf([]))).toEqual({ kind: 'misconfigured', tried: [] });
  });

  it('[PRV-02] a refusal is tried once with each of the others and then reported, even if one is down', async () => {
    expect(await failureOf(chainOf([link('a', filters), link('b', filters)]))).toMatchObject({ kind: 'refused' });
    expect(await failureOf(chainOf([link('a', filters), link('b', status(503))]))).toMatchObject({ kind: 'refused' });
    expect(requests).toEqual(['a', 'b', 'a', 'b']);
  });

  it('[PRV-02] a provider that keeps failing is skipped, probed again and taken back', async () => {
    const chain = chainOf([
      link('a', status(500), status(500), status(500), status(500), answers('Back.')),
      link('b', answers('b')),
    ]);
    for (let i = 0; i < 5; i++) await chain.generate(request);
    expect(requests.filter((name) => name === 'a')).toHaveLength(3);
    expect(chain.state()).toMatchObject([
      { modelId: 'a', breaker: 'open', lastFailure: { kind: 'unavailable', detail: 'HTTP 500', at: clock.now() } },
      { modelId: 'b', breaker: 'closed', lastFailure: null },
    ]);
    clock.advance(30_000);
    expect(chain.state()[0]?.breaker).toBe('half-open');
    await chain.generate(request);
    expect(chain.state()[0]?.breaker).toBe('open');
    clock.advance(30_000);
    expect(await chain.generate(request)).toMatchObject({ ok: true, value: { text: 'Back.' } });
    expect(chain.state()[0]?.breaker).toBe('closed');
  });

  it('[PRV-02] a wrong key is not tried again for ten minutes; a refused or rejected request closes nothing', async () => {
    const chain = chainOf([
      link('a', status(401)),
      link('b', filters),
      link('c', status(400)),
      link('d', answers('d')),
    ]);
    await chain.generate(request);
    expect(chain.state().map(({ breaker }) => breaker)).toEqual(['open', 'closed', 'closed', 'closed']);
    clock.advance(10 * 60_000 - 1);
    await chain.generate(request);
    expect(requests.filter((name) => name === 'a')).toHaveLength(1);
    clock.advance(1);
    await chain.generate(request);
    expect(requests.filter((name) => name === 'a')).toHaveLength(2);
  });

  it('[PRV-02] keeps to the cap of requests per minute, tool steps included', async () => {
    const note = tool({ inputSchema: z.object({ text: z.string() }), execute: () => 'noted' });
    const capped = { ...link('a', callsTool, answers('Noted.')), cap: new RateCap(2, clock) };
    const chain = chainOf([capped]);
    expect(await chain.generate(() => ({ ...request(), tools: { note } }))).toMatchObject({
      ok: true,
      value: { text: 'Noted.' },
    });
    expect(await failureOf(chain)).toMatchObject({
      kind: 'down',
      retryAfterMs: 60_000,
      tried: [{ kind: 'rate-limited' }],
    });
    expect(requests).toEqual(['a', 'a']);
    clock.advance(60_000);
    expect(await chain.generate(request)).toMatchObject({ ok: true });
  });

  it('[PRV-02] uses its cap to the full', async () => {
    const chain = chainOf([{ ...link('a', answers('Hello.')), cap: new RateCap(2, clock) }]);
    const results = [await chain.generate(request), await chain.generate(request), await chain.generate(request)];
    expect(results.map(({ ok }) => ok)).toEqual([true, true, false]);
  });

  it('[PRV-02] agents that share a key share its cap', async () => {
    const cap = new RateCap(1, clock);
    const [one, other] = [
      chainOf([{ ...link('a', answers('Hello.')), cap }]),
      chainOf([{ ...link('a', answers('Hello.')), cap }]),
    ];
    expect([await one.generate(request), await other.generate(request)].map(({ ok }) => ok)).toEqual([true, false]);
  });

  it('[PRV-02] keeps to the cap when asked by several at once', async () => {
    const chain = chainOf([{ ...link('a', answers('Hello.')), cap: new RateCap(1, clock) }]);
    const results = await Promise.all([chain.generate(request), chain.generate(request), chain.generate(request)]);
    expect(results.map(({ ok }) => ok)).toEqual([true, false, false]);
    expect(requests).toEqual(['a']);
  });

  it('[PRV-02] a probe that the caller aborts leaves the way free for the next', async () => {
    const stop = new AbortController();
    const down = status(429, { 'retry-after': '5' });
    const chain = chainOf([link('a', down, () => stop.abort(new Error('shutting down')), answers('Back.'))]);
    await chain.generate(request);
    clock.advance(5000);
    await expect(chain.generate(request, stop.signal)).rejects.toThrow('shutting down');
    expect(chain.state()[0]?.breaker).toBe('half-open');
    expect(await chain.generate(request)).toMatchObject({ ok: true, value: { text: 'Back.' } });
  });

  it('[PRV-02] while one probes, nobody else does', async () => {
    const chain = chainOf([link('a', status(429, { 'retry-after': '5' }), answers('Back.'))]);
    await chain.generate(request);
    clock.advance(5000);
    const [probe, other] = await Promise.all([chain.generate(request), chain.generate(request)]);
    expect([probe.ok, other.ok]).toEqual([true, false]);
  });

  it('[PRV-02] the request is made afresh for every try, so what a failed try prepared is not done twice', async () => {
    let staged: string[] = [];
    const fresh = (): ModelRequest => {
      staged = [];
      const note = tool({
        inputSchema: z.object({ text: z.string() }),
        execute: ({ text }) => {
          staged.push(text);
          return 'noted';
        },
      });
      return { ...request(), tools: { note } };
    };
    const chain = chainOf([link('a', callsTool, cuts), link('b', callsTool, answers('Noted.'))]);
    expect(await chain.generate(fresh)).toMatchObject({ ok: true, value: { text: 'Noted.', modelId: 'b' } });
    expect(requests).toEqual(['a', 'a', 'b', 'b']);
    expect(staged).toEqual(['hi']);
  });

  it('[PRV-02] tool calls with nothing said after them are an answer; a loop ends at the step limit', async () => {
    const note = tool({ inputSchema: z.object({ text: z.string() }), execute: () => 'noted' });
    const looping = chainOf([link('a', callsTool)]);
    const result = await looping.generate(() => ({ ...request(), tools: { note }, maxSteps: 2 }));
    expect(result).toMatchObject({ ok: true, value: { text: '' } });
    expect(requests).toHaveLength(2);
  });

  it('[PRV-02] an abort by the caller is an abort: nobody else is asked, nothing is held against the provider', async () => {
    const stop = new AbortController();
    const chain = chainOf([link('a', () => stop.abort(new Error('shutting down'))), link('b', answers('no'))]);
    await expect(chain.generate(request, stop.signal)).rejects.toThrow('shutting down');
    await expect(chain.generate(request, stop.signal)).rejects.toThrow('shutting down');
    expect(requests).toEqual(['a']);
    expect(chain.state()[0]).toMatchObject({ breaker: 'closed', lastFailure: null });
  });

  it('[PRV-02] [OBS-01] what is logged and reported has neither prompt nor key in it', async () => {
    const lines: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: object, message: string) => lines.push({ fields, message }) };
    const a = link('a', (_request, response) =>
      response.writeHead(401).end('{"error":{"message":"key sk-1: my diary"}}'),
    );
    const result = await new ModelChain([a], { clock, logger, limits: LIMITS }).generate(request);
    expect(lines).toHaveLength(1);
    expect(JSON.stringify([lines, result])).not.toMatch(/my diary|sk-1/);
  });
});
