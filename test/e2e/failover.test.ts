import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { silentLogger } from '../../src/lib/logger.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { ModelChain } from '../../src/providers/chain.ts';
import { chainLink } from '../../src/providers/settings.ts';
import { idOf, openWorld, type World } from '../support/agents.ts';

/* An agent with the real chain, asking two servers that speak the protocol of OpenAI. */

const LIMITS = { idleMs: 5_000, totalMs: 20_000 };

const piece = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: '1', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const stream =
  (...parts: string[]): RequestListener =>
  (_request, response) =>
    response.setHeader('content-type', 'text/event-stream').end(parts.join(''));
const answers = (content: string): RequestListener => stream(piece({ content }), piece({}, 'stop'), 'data: [DONE]\n\n');
const status =
  (code: number): RequestListener =>
  (_request, response) =>
    response.writeHead(code, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}');
const hangs: RequestListener = () => clock.advance(LIMITS.idleMs);
const cuts: RequestListener = (_request, response) => {
  response.setHeader('content-type', 'text/event-stream');
  response.write(piece({ content: 'Once upon a' }), () => response.destroy());
};
const garbage = stream('data: <html>\n\n');
const createsGroup = (name: string): RequestListener => {
  const call = { name: 'create_group', arguments: JSON.stringify({ name, members: ['Nova'] }) };
  return stream(
    piece({ tool_calls: [{ index: 0, id: 'c1', type: 'function', function: call }] }),
    piece({}, 'tool_calls'),
  );
};

let clock: ManualClock;
let server: Server;
let origin: string;
/** What each server answers, the last for ever. */
let replies: Record<'first' | 'second', RequestListener[]>;

beforeEach(async () => {
  clock = new ManualClock();
  server = createServer((request, response) => {
    const queue = request.url?.startsWith('/first/') ? replies.first : replies.second;
    request.resume();
    const reply = queue.length > 1 ? queue.shift() : queue[0];
    reply?.(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  origin = `http://127.0.0.1:${z.object({ port: z.number() }).parse(server.address()).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function openAtlas(): Promise<World> {
  const links = (['first', 'second'] as const).map((name) =>
    chainLink({ provider: 'openai-compatible', model: name, baseUrl: `${origin}/${name}/v1` }, 'Atlas'),
  );
  const chain = new ModelChain(links, { clock, logger: silentLogger, limits: LIMITS });
  return openWorld({ clock, agents: { Atlas: () => '', Nova: () => 'NO_REPLY' }, chains: { Atlas: chain } });
}

describe('an agent with two providers', () => {
  it.each<[string, RequestListener]>([
    ['is rate limited', status(429)],
    ['fails', status(500)],
    ['hangs', hangs],
    ['breaks off', cuts],
    ['sends garbage', garbage],
  ])('[PRV-02] when the first %s the second answers, and the person sees nothing of it', async (_fault, fault) => {
    replies = { first: [fault], second: [answers('Hello from the second.')] };
    await using world = await openAtlas();
    await world.tell('Atlas', 'Hello?');
    expect(world.heard()).toEqual(['Hello from the second.']);
    expect(world.messages().map(({ payload }) => payload.type)).toEqual(['chat.in', 'chat.out']);
  });

  it('[PRV-02] what the first had begun before it broke off has not happened', async () => {
    replies = {
      first: [createsGroup('Wrong'), cuts],
      second: [createsGroup('Right'), answers('Here it is.')],
    };
    await using world = await openAtlas();
    await world.tell('Atlas', 'Create a group with Nova');
    for (const agent of ['Atlas', 'Nova'])
      expect(world.groups.list(idOf(agent)).map(({ name }) => name)).toEqual(['Right']);
    expect(world.heard()).toEqual(['Here it is.']);
  });

  it('[PRV-03] when both are down the message waits, the person is told once, and answered when one is back', async () => {
    replies = { first: [status(503)], second: [status(500)] };
    await using world = await openAtlas();
    await world.tell('Atlas', 'Hello?');
    for (let minute = 0; minute < 10; minute++) await world.pass(60_000);
    expect(world.heard()).toEqual([expect.stringContaining('None of my AI providers')]);
    replies = { first: [status(503)], second: [answers('Back again.')] };
    for (let minute = 0; minute < 10; minute++) await world.pass(60_000);
    expect(world.heard().slice(1)).toEqual(['Back again.']);
  });
});
