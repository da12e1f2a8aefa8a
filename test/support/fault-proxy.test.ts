import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { type Fault, HttpFaultProxy, WebSocketFaultProxy } from './fault-proxy.ts';
import { seededRandom } from './random.ts';

const urlOf = (address: unknown): string => `http://127.0.0.1:${z.object({ port: z.number() }).parse(address).port}`;
const MOST_DELAY_MS = 1000;
const options = (fault: Fault | null, target: string, clock: ManualClock) => ({
  target,
  rates: fault === null ? {} : { [fault]: 1 },
  random: seededRandom(1),
  mostDelayMs: MOST_DELAY_MS,
  clock,
});

/** A server that notes what it is told, behind a proxy with one fault; what comes of telling it `one`, and then, calmly, `two`. */
async function tellOverHttp(fault: Fault | null) {
  const clock = new ManualClock();
  const heard: string[] = [];
  const server = createServer(async (asked, reply) => {
    heard.push(await text(asked));
    reply.end(`heard ${heard.at(-1)}`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  await using proxy = await HttpFaultProxy.open(options(fault, urlOf(server.address()), clock));
  const tell = async (body: string): Promise<string> => {
    const reply = await fetch(proxy.url, { method: 'POST', body }).catch(() => null);
    return reply ? await reply.text() : 'the connection ended';
  };
  const telling = tell('one');
  await expect.poll(() => proxy.counts[fault ?? 'passed']).toBe(1);
  proxy.calm();
  if (fault === 'delayed') clock.advance(MOST_DELAY_MS);
  const first = await telling;
  const second = await tell('two');
  clock.advance(MOST_DELAY_MS);
  const expected = { cut: 1, twice: 3 }[String(fault)] ?? 2;
  await expect.poll(() => heard.length).toBe(expected);
  server.closeAllConnections();
  server.close();
  return { first, second, heard, counts: proxy.counts };
}

/** The same with WebSockets: the server says everything back, and the way back is in order. */
async function tellOverWebSocket(fault: Fault | null): Promise<{ readonly heard: string[]; readonly closed: boolean }> {
  const clock = new ManualClock();
  const heard: string[] = [];
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const ended = Promise.withResolvers<void>();
  server.on('connection', (socket) => {
    socket.on('message', (data) => heard.push(String(data)));
    socket.on('close', () => ended.resolve());
  });
  await once(server, 'listening');
  await using proxy = await WebSocketFaultProxy.open(options(fault, urlOf(server.address()), clock));
  const client = new WebSocket(proxy.url.replace(/^http/, 'ws'));
  const closed = once(client, 'close');
  await once(client, 'open');
  client.send('one');
  await expect.poll(() => proxy.counts[fault ?? 'passed']).toBe(1);
  proxy.calm();
  clock.advance(fault === 'delayed' ? MOST_DELAY_MS : 0);
  client.send('two');
  client.close();
  const [code] = await closed;
  await ended.promise;
  server.close();
  return { heard, closed: code === 1006 };
}

describe('a proxy with faults, for HTTP', () => {
  const ended = 'the connection ended';
  it.each<[Fault | null, string, string[]]>([
    [null, 'heard one', ['one', 'two']],
    ['cut', ended, ['two']],
    ['unanswered', ended, ['one', 'two']],
    ['delayed', 'heard one', ['one', 'two']],
    ['twice', 'heard one', ['one', 'two', 'one']],
    ['reordered', ended, ['two', 'one']],
  ])('[REL-04] %s', async (fault, first, heard) => {
    const told = await tellOverHttp(fault);
    expect(told).toMatchObject({ first, second: 'heard two' });
    expect(told.heard).toEqual(heard);
    expect(told.counts).toMatchObject(fault === null ? { passed: 2 } : { [fault]: 1, passed: 1 });
  });
});

describe('a proxy with faults, for WebSockets', () => {
  it.each<[Fault | null, boolean, string[]]>([
    [null, false, ['one', 'two']],
    ['cut', true, []],
    ['unanswered', true, ['one']],
    ['delayed', false, ['one', 'two']],
    ['twice', false, ['one', 'one', 'two']],
    ['reordered', false, ['two', 'one']],
  ])('[HUB-06] %s', async (fault, closed, heard) => {
    expect(await tellOverWebSocket(fault)).toEqual({ heard, closed });
  });
});
