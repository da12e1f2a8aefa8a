import { describe, expect, it } from 'vitest';
import { serving } from '../../../test/support/http-server.ts';
import { agentId } from '../../domain/addresses.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { healthOf } from './health.ts';
import type { HttpAgent } from './http-agent.ts';

const coderAt = (url: string): HttpAgent => ({
  id: agentId('coder'),
  name: 'Coder',
  url,
  apiKey: 'hush-1',
  skills: [],
  describesItself: true,
  allow: 'loopback',
});

/** The health of an agent that answers so. */
async function healthWhen(status: number, body: string) {
  await using server = await serving((_request, response) => response.writeHead(status).end(body));
  return await healthOf(coderAt(server.url), new ManualClock());
}

describe('the health of an agent that answers over HTTP', () => {
  it('[TEM-01] [BRG-02] is asked for with its key, and tells its name and skills', async () => {
    const seen: unknown[] = [];
    await using server = await serving(({ method, url, headers }, response) => {
      seen.push(method, url, headers.authorization);
      response.end('{"name":" Coder ","skills":["code","review"],"uptime":1}');
    });
    const health = await healthOf(coderAt(server.url), new ManualClock());
    expect(health).toEqual({ name: 'Coder', skills: ['code', 'review'] });
    expect(seen).toEqual(['GET', '/health', 'Bearer hush-1']);
  });

  it.each([
    ['nothing', ''],
    ['something else', '"ok"'],
    ['names that fit in no list', JSON.stringify({ name: 'a\nb', skills: ['x'.repeat(129)] })],
    ['names that turn the line around', JSON.stringify({ name: 'a\u202eb', skills: 'code' })],
    ['empty names', JSON.stringify({ name: ' ', skills: [''] })],
  ])('[BRG-02] is good when it says %s', async (_what, body) => {
    expect(await healthWhen(200, body)).toEqual({});
  });

  it.each([204, 302, 401, 404, 500])('[BRG-02] is not when it answers %i', async (status) => {
    expect(await healthWhen(status, '')).toBeNull();
  });

  it('[BRG-02] is not when it says more than anybody wants to know, or nothing in its time', async () => {
    expect(await healthWhen(200, ' '.repeat(65_537))).toBeNull();
    const clock = new ManualClock();
    await using server = await serving(() => clock.advance(5_000));
    expect(await healthOf(coderAt(server.url), clock)).toBeNull();
  });
});
