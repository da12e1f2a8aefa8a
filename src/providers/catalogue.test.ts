import { once } from 'node:events';
import { createServer } from 'node:http';
import { LLMock } from '@copilotkit/aimock';
import { type ToolSet, tool } from 'ai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ManualClock } from '../lib/manual-clock.ts';
import { PROVIDER_IDS, PROVIDERS, type ProviderId, requestsPerMinuteVariable } from './catalogue.ts';
import { callModel } from './model-call.ts';
import { DEFAULT_MODEL_LIMITS } from './patience.ts';
import { chainLink, missingVariable } from './settings.ts';

const mock = new LLMock({ port: 0 });
beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => mock.reset());

/** Where the mock answers in a provider's wire format. */
const PATHS: Partial<Record<ProviderId, string>> = { google: '/v1beta', cohere: '/v2', ollama: '', openclaw: '' };
const baseUrlOf = (provider: ProviderId): string => `${mock.url}${PATHS[provider] ?? '/v1'}`;

const networked = PROVIDER_IDS.filter((id) => id !== 'demo');
/** The mock's stream for Cohere lacks a field that the API sends, so its answers are written out below. */
const mocked = networked.filter((id) => id !== 'cohere');

/** Where the mock does not count tokens as the API does. */
const UNCOUNTED: ReadonlySet<ProviderId> = new Set(['mistral', 'groq', 'perplexity']);

/** 101 tokens in and 23 out, in the words of each wire format. */
const usage = {
  ...{ prompt_tokens: 101, completion_tokens: 23, total_tokens: 124 },
  ...{ input_tokens: 101, output_tokens: 23 },
  ...{ promptTokenCount: 101, candidatesTokenCount: 23, totalTokenCount: 124 },
};
const settingsOf = (provider: ProviderId) => ({
  provider,
  apiKey: 'test-key',
  model: 'test-model',
  baseUrl: baseUrlOf(provider),
});

async function ask(
  provider: ProviderId,
  { baseUrl = baseUrlOf(provider), tools = {} }: { baseUrl?: string; tools?: ToolSet } = {},
) {
  const model = await chainLink({ ...settingsOf(provider), baseUrl }, 'Atlas').model();
  return callModel(
    model,
    { system: 'Be brief.', messages: [{ role: 'user', content: 'hello' }], tools, maxSteps: 3 },
    { clock: new ManualClock(), limits: DEFAULT_MODEL_LIMITS, signal: undefined, onRequest: () => {} },
  );
}

describe('provider catalogue', () => {
  it.each(mocked)('[PRV-01] [PRV-05] %s answers in its wire format, with its tokens counted', async (provider) => {
    mock.addFixture({ match: {}, response: { content: `Hello from ${provider}.`, usage } });
    expect(await ask(provider)).toEqual({
      ok: true,
      value: {
        text: `Hello from ${provider}.`,
        steps: 1,
        toolCalls: [],
        usage: UNCOUNTED.has(provider) ? expect.anything() : { inputTokens: 101, outputTokens: 23 },
      },
    });
    expect(mock.getRequests()).toHaveLength(1);
  });

  it('[PRV-01] [PRV-05] cohere answers in its wire format, with its tokens counted', async () => {
    const events = [
      { type: 'message-start', id: '1', delta: { message: { role: 'assistant' } } },
      { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
      { type: 'content-delta', index: 0, delta: { message: { content: { text: 'Hello from cohere.' } } } },
      { type: 'content-end', index: 0 },
      {
        type: 'message-end',
        delta: { finish_reason: 'COMPLETE', usage: { tokens: { input_tokens: 101, output_tokens: 23 } } },
      },
    ];
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/event-stream');
      response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const baseUrl = `http://127.0.0.1:${z.object({ port: z.number() }).parse(server.address()).port}/v2`;
    const reply = await ask('cohere', { baseUrl });
    server.close();
    expect(reply).toMatchObject({
      ok: true,
      value: { text: 'Hello from cohere.', usage: { inputTokens: 101, outputTokens: 23 } },
    });
  });

  it('[PRV-05] an answer whose tokens nobody counted is not free', async () => {
    mock.addFixture({ match: {}, response: { content: 'Twelve chars' } });
    const reply = await ask('anthropic');
    expect(reply.ok && reply.value.usage.outputTokens).toBe(3);
    expect(reply.ok && reply.value.usage.inputTokens).toBeGreaterThan(0);
  });

  it.each(['openai', 'codex', 'anthropic', 'google', 'mistral', 'groq', 'openai-compatible'] as const)(
    '[PRV-01] %s calls tools and speaks about the result',
    async (provider) => {
      mock.addFixture({
        match: { predicate: (request) => request.messages.some(({ role }) => role === 'tool') },
        response: { content: 'It is 7 degrees.' },
      });
      mock.addFixture({
        match: {},
        response: {
          toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }],
          ...(provider === 'google' ? { finishReason: 'stop' } : {}),
        },
      });
      const asked: string[] = [];
      const weather = tool({
        description: 'The weather in a city.',
        inputSchema: z.object({ city: z.string() }),
        execute: ({ city }) => {
          asked.push(city);
          return { degrees: 7 };
        },
      });
      const reply = await ask(provider, { tools: { weather } });
      expect(reply).toMatchObject({
        ok: true,
        value: { text: 'It is 7 degrees.', steps: 2, toolCalls: [{ name: 'weather' }] },
      });
      expect(asked).toEqual(['Oslo']);
    },
  );

  it.each(networked)('[PRV-02] %s: an answer that breaks off is a failure', async (provider) => {
    mock.addFixture({ match: {}, response: { content: 'word '.repeat(50) }, chunkSize: 5, truncateAfterChunks: 4 });
    const reply = await ask(provider);
    expect(reply.ok ? 'answered' : reply.error.kind).toMatch(/^(?:network|malformed)$/);
  });

  it.each(networked)(
    '[PRV-02] %s: a wrong key is a matter for a person, and is not repeated to anybody',
    async (provider) => {
      mock.addFixture({ match: {}, response: { error: { message: 'Incorrect API key: test-key' }, status: 401 } });
      const reply = await ask(provider);
      expect(reply).toMatchObject({ ok: false, error: { kind: 'misconfigured' } });
      expect(JSON.stringify(reply)).not.toContain('test-key');
    },
  );

  it('[PRV-01] sends the key of the settings, and none when there is none', async () => {
    mock.addFixture({ match: {}, response: { content: 'ok' } });
    await ask('groq');
    expect(mock.getLastRequest()?.headers).toHaveProperty('authorization');
    const model = await chainLink({ ...settingsOf('ollama'), apiKey: undefined }, 'Atlas').model();
    await model.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }] });
    expect(mock.getLastRequest()?.headers).not.toHaveProperty('authorization');
  });

  it('[PRV-01] the server of ollama and openclaw may be given with or without /v1', async () => {
    mock.addFixture({ match: {}, response: { content: 'ok' } });
    for (const end of ['', '/', '/v1', '/v1/']) {
      const model = await chainLink({ ...settingsOf('ollama'), baseUrl: `${mock.url}${end}` }, 'Atlas').model();
      await model.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }] });
      expect(mock.getLastRequest()?.path).toBe('/v1/chat/completions');
    }
  });

  it('[PRV-01] names the variable that is missing', async () => {
    expect(missingVariable({ provider: 'openai' })).toBe('OPENAI_API_KEY');
    expect(missingVariable({ provider: 'copilot', apiKey: '' })).toBe('COPILOT_TOKEN');
    expect(missingVariable({ provider: 'openai-compatible', model: 'm' })).toBe('OPENAI_COMPATIBLE_BASE_URL');
    expect(missingVariable({ provider: 'openai-compatible', baseUrl: 'http://x' })).toBe('OPENAI_COMPATIBLE_MODEL');
    expect(missingVariable({ provider: 'ollama' })).toBeNull();
    expect(missingVariable({ provider: 'demo' })).toBeNull();
    await expect(chainLink({ provider: 'xai' }, 'Atlas').model()).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
      hint: expect.stringContaining('XAI_API_KEY'),
    });
  });

  it('[PRV-01] every provider but the scripted one takes model and base URL from variables of its own', () => {
    const names = networked.flatMap((id) => [PROVIDERS[id].variables.model, PROVIDERS[id].variables.baseUrl]);
    expect(names).not.toContain(null);
    expect(new Set(names).size).toBe(names.length);
  });

  it('[PRV-02] names the variable of a cap after the provider', () => {
    expect(requestsPerMinuteVariable('openai')).toBe('RATE_LIMIT_OPENAI_RPM');
    expect(requestsPerMinuteVariable('nvidia-nim')).toBe('RATE_LIMIT_NVIDIA_NIM_RPM');
  });

  it('[PRV-04] the scripted model needs nothing', async () => {
    const link = chainLink({ provider: 'demo' }, 'Nova');
    expect(link.modelId).toBe('scripted-demo');
    expect((await link.model()).provider).toBe('demo');
  });
});
