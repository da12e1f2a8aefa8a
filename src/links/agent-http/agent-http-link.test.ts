import { describe, expect, it } from 'vitest';
import { serving } from '../../../test/support/http-server.ts';
import { wireMessage } from '../../../test/support/relay.ts';
import { agentId } from '../../domain/addresses.ts';
import { ParleyError } from '../../domain/errors.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { MAX_BODY_BYTES, type MessageV2, parseMessageV2 } from '../../protocol/message-v2.ts';
import { AgentHttpLink } from './agent-http-link.ts';
import { cardOfHttpAgent, type HttpAgent } from './http-agent.ts';

const TASK_TIMEOUT_MS = 600_000;

const coderAt = (url: string, changes: Partial<HttpAgent> = {}): HttpAgent => ({
  id: agentId('coder'),
  name: 'Coder',
  url,
  apiKey: 'hush-1',
  skills: ['code'],
  describesItself: false,
  allow: 'loopback',
  ...changes,
});

const task = (changes: object = {}): MessageV2 => {
  const assignment = { id: 'msg_1', body: 'Sort this.', payload: { type: 'task_assignment', data: {} }, ...changes };
  const parsed = parseMessageV2(wireMessage('alice', 'coder', assignment));
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
};

/** What delivering comes to: the answer, or the code of the error. */
async function outcome(agent: HttpAgent | null, message = task(), signal?: AbortSignal, clock = new ManualClock()) {
  const link = new AgentHttpLink({
    agentOf: (id) => (agent?.id === id ? agent : null),
    taskTimeoutMs: TASK_TIMEOUT_MS,
    clock,
  });
  const card = cardOfHttpAgent(agent ?? coderAt('http://127.0.0.1:1'));
  try {
    return await link.deliver(message, card, signal);
  } catch (error) {
    return error instanceof ParleyError ? error.code : error;
  }
}

/** What comes of an agent that answers every task so. */
async function answered(status: number, body: unknown, changes: Partial<HttpAgent> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  await using server = await serving((_request, response) => response.writeHead(status).end(text));
  return await outcome(coderAt(server.url, changes));
}

const failure = (error: string | RegExp) => ({ ok: false, error: expect.stringMatching(error) });

describe('the link to an agent that answers over HTTP', () => {
  it('[TEM-01] [BRG-02] gives it the task, who it is from and the id, with the key, and brings back the answer', async () => {
    const seen: unknown[] = [];
    await using server = await serving(({ method, url, headers }, response) => {
      seen.push([method, url, headers.authorization, headers['idempotency-key'], headers['content-type']]);
      response.end(JSON.stringify({ response: 'Sorted.' }));
    });
    expect(await outcome(coderAt(`${server.url}/agents/coder`))).toEqual({ ok: true, text: 'Sorted.' });
    expect(seen).toEqual([['POST', '/agents/coder/chat', 'Bearer hush-1', 'msg_1', 'application/json']]);
  });

  it('[BRG-02] says it in the words of that protocol, and sends no key where there is none', async () => {
    const seen: unknown[] = [];
    await using server = await serving(async (request, response) => {
      seen.push(JSON.parse((await request.toArray()).join('')), request.headers.authorization);
      response.end('{"response":""}');
    });
    expect(await outcome(coderAt(server.url, { apiKey: null }))).toEqual({ ok: true, text: '' });
    expect(seen).toEqual([{ message: 'Sort this.', sender: 'alice' }, undefined]);
  });

  it('[BRG-02] [SEC-05] never says its key to where a card points', async () => {
    const requests: unknown[] = [];
    await using server = await serving((_request, response) => response.end('{"response":"ok"}'));
    await using thief = await serving((request, response) => {
      requests.push(request.headers);
      response.end('{"response":"thanks"}');
    });
    const agent = coderAt(server.url);
    const link = new AgentHttpLink({ agentOf: () => agent, taskTimeoutMs: TASK_TIMEOUT_MS, clock: new ManualClock() });
    const card = { ...cardOfHttpAgent(agent), metadata: { agent_url: thief.url } };
    expect(await link.deliver(task(), card)).toEqual({ ok: true, text: 'ok' });
    expect(requests).toEqual([]);
    expect(JSON.stringify(cardOfHttpAgent(agent))).not.toContain('hush-1');
  });

  it('[BRG-02] an agent that this process was not told of is not guessed at', async () => {
    expect(await outcome(null)).toBe('CONFIG_INVALID');
  });

  it.each([
    ['an envelope', { payload: { type: 'text', data: { original_type: 'envelope', original_data: {} } } }],
    ['a task without words', { body: ' ' }],
    ['a broadcast', { payload: { type: 'broadcast', data: {} } }],
    ['a result', { payload: { type: 'task_result', data: {} } }],
  ])('[BRG-02] %s is nothing for it', async (_what, changes) => {
    expect(await outcome(coderAt('http://127.0.0.1:1'), task(changes))).toBe('MESSAGE_INVALID');
  });

  it('[BRG-02] plain text is', async () => {
    await using server = await serving((_request, response) => response.end('{"response":"Hello."}'));
    const text = task({ payload: { type: 'text', data: {} } });
    expect(await outcome(coderAt(server.url), text)).toEqual({ ok: true, text: 'Hello.' });
  });

  it.each([
    [200, { error: 'I am at a loss' }, /^Coder: I am at a loss$/],
    [200, { answer: 'x' }, /^Coder: it answered something else/],
    [200, 'Sorted.', /something else/],
    [204, '', /something else/],
    [400, { error: 'too long' }, /^Coder: it answered 400: too long$/],
    [404, 'Not Found', /^Coder: it answered 404$/],
    [422, { error: 'x'.repeat(9999) }, /^.{500,540}$/],
    [401, {}, /^Coder: it refuses its key; it answered 401$/],
    [403, { error: 'expired' }, /^Coder: it refuses its key; it answered 403: expired$/],
  ])('[BRG-02] %i with %j is its answer, and is not asked for again', async (status, body, error) => {
    expect(await answered(status, body)).toEqual(failure(error));
  });

  it('[BRG-02] who needs a key and was given none says so', async () => {
    expect(await answered(401, {}, { apiKey: null })).toEqual(failure(/refuses whoever has no key/));
  });

  it('[BRG-02] an answer that no message has room for is not asked for again either', async () => {
    expect(await answered(200, { response: 'x'.repeat(MAX_BODY_BYTES) })).toEqual(failure(/more than \d+ bytes/));
  });

  it('[BRG-02] an answer of broken text is mended, so that it can be stored', async () => {
    expect(await answered(200, '{"response":"a\\ud800b"}')).toEqual({ ok: true, text: 'a\ufffdb' });
    expect(await answered(400, '{"error":"\\ud800"}')).toEqual(failure('400: \ufffd'));
  });

  it.each([408, 429, 500, 502, 503, 302])('[BRG-02] %i may be better later', async (status) => {
    expect(await answered(status, { error: 'busy' })).toBe('CHANNEL_SEND_FAILED');
  });

  it('[BRG-02] so may it be when nobody is there, or nobody answers', async () => {
    let url = '';
    const clock = new ManualClock();
    {
      await using server = await serving(() => clock.advance(TASK_TIMEOUT_MS));
      url = server.url;
      expect(await outcome(coderAt(url), task(), undefined, clock)).toBe('CHANNEL_SEND_FAILED');
    }
    expect(await outcome(coderAt(url))).toBe('CHANNEL_SEND_FAILED');
  });

  it('[BRG-02] does not wait for the answer when it is told to stop', async () => {
    const stop = new AbortController();
    await using server = await serving(() => stop.abort());
    expect(await outcome(coderAt(server.url), task(), stop.signal)).toBe('CHANNEL_SEND_FAILED');
  });

  it('[SEC-05] an agent in a private network is not asked unless that is allowed', async () => {
    const requests: unknown[] = [];
    await using server = await serving((request, response) => {
      requests.push(request.url);
      response.end('{"response":"ok"}');
    });
    expect(await outcome(coderAt(server.url, { allow: 'public' }))).toEqual(failure(/MULTI_AGENT_ALLOW_PRIVATE/));
    expect(requests).toEqual([]);
    expect(await outcome(coderAt(server.url, { allow: 'any' }))).toEqual({ ok: true, text: 'ok' });
  });
});
