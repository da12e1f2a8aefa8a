import type { LanguageModelV4StreamPart, LanguageModelV4Usage } from '@ai-sdk/provider';
import { tool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ManualClock } from '../lib/manual-clock.ts';
import { callModel } from './model-call.ts';

const LIMITS = { idleMs: 60_000, totalMs: 300_000 };
const usage: LanguageModelV4Usage = {
  inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 2, text: 2, reasoning: 0 },
};
const finish = (
  unified: 'stop' | 'length' | 'tool-calls' | 'error' | 'interrupted' | 'other',
  raw?: string,
): LanguageModelV4StreamPart => ({
  type: 'finish',
  finishReason: { unified, raw },
  usage,
});
const says = (delta: string): LanguageModelV4StreamPart[] => [
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta },
  { type: 'text-end', id: '1' },
];
const callsSlow: LanguageModelV4StreamPart = { type: 'tool-call', toolCallId: '1', toolName: 'slow', input: '{}' };

/** A model whose answers are these; a function among the parts runs when all before it has been read, and nothing follows it. */
type Script = readonly (LanguageModelV4StreamPart | (() => void))[];

function scripted(...answers: Script[]) {
  const rest = [...answers];
  return new MockLanguageModelV4({
    doStream: async () => {
      const parts = [...(rest.shift() ?? [])];
      const stream = new ReadableStream<LanguageModelV4StreamPart>(
        {
          pull(controller) {
            const part = parts.shift();
            if (typeof part === 'function') return part();
            if (part) controller.enqueue(part);
            else controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      return { stream };
    },
  });
}

const clock = new ManualClock();
const slow = (ms: number) => tool({ inputSchema: z.object({}), execute: () => clock.advance(ms) });

function call(model: MockLanguageModelV4, { toolMs = 0 } = {}) {
  return callModel(
    model,
    { system: 'Be brief.', messages: [{ role: 'user', content: 'hello' }], tools: { slow: slow(toolMs) }, maxSteps: 5 },
    { clock, limits: LIMITS, signal: undefined, onRequest: () => {} },
  );
}

afterEach(() => {
  expect(clock.armed).toBe(0);
  vi.restoreAllMocks();
});

describe('model call', () => {
  it('[PRV-02] gives a model up that falls silent half way', async () => {
    const reply = await call(scripted([...says('Once'), () => clock.advance(LIMITS.idleMs)]));
    expect(reply).toEqual({ ok: false, error: { kind: 'timeout', detail: 'silent after 60000 ms' } });
  });

  it('[PRV-02] every piece counts as a sign of life, a ping does not', async () => {
    const pause = (): void => clock.advance(LIMITS.idleMs - 1);
    const alive = new MockLanguageModelV4({
      doStream: async () => {
        const parts = [...says('Slowly'), finish('stop', 'stop')];
        return {
          stream: new ReadableStream(
            {
              async pull(controller) {
                pause();
                const part = parts.shift();
                if (part) controller.enqueue(part);
                else controller.close();
              },
            },
            { highWaterMark: 0 },
          ),
        };
      },
    });
    expect(await call(alive)).toMatchObject({ ok: true, value: { text: 'Slowly' } });
    const half = (): void => clock.advance(LIMITS.idleMs / 2);
    let pings = 0;
    const pinging = new MockLanguageModelV4({
      doStream: async () => ({
        stream: new ReadableStream(
          {
            pull(controller) {
              half();
              pings += 1;
              controller.enqueue({ type: 'ping' });
            },
          },
          { highWaterMark: 0 },
        ),
      }),
    });
    expect(await call(pinging)).toMatchObject({ ok: false, error: { kind: 'timeout' } });
    expect(pings).toBeLessThan(10);
  });

  it('[PRV-02] a tool may take its time, but not longer than the whole answer', async () => {
    const model = () =>
      scripted([callsSlow, finish('tool-calls', 'tool_calls')], [...says('Done.'), finish('stop', 'stop')]);
    expect(await call(model(), { toolMs: LIMITS.idleMs * 2 })).toMatchObject({
      ok: true,
      value: { text: 'Done.', steps: 2 },
    });
    expect(await call(model(), { toolMs: LIMITS.totalMs })).toMatchObject({
      ok: false,
      error: { kind: 'timeout', detail: 'not done after 300000 ms' },
    });
  });

  it('[PRV-05] counts the tokens of all steps', async () => {
    const model = scripted([callsSlow, finish('tool-calls', 'tool_calls')], [...says('Done.'), finish('stop', 'stop')]);
    expect(await call(model)).toMatchObject({ ok: true, value: { usage: { inputTokens: 20, outputTokens: 4 } } });
  });

  it.each([
    ['an answer cut at the length limit is one', finish('length', 'length'), true],
    ['a reason we do not know is one', finish('other', 'pause_turn'), true],
    ['no reason is a cut', finish('other'), false],
    ['a stream that just ended is none', finish('interrupted'), false],
    ['an error is none', finish('error', 'error'), false],
  ])('[PRV-02] %s', async (_name, end, ok) => {
    expect((await call(scripted([...says('Half'), end]))).ok).toBe(ok);
  });

  it('[PRV-02] a tool that fails is for the model to deal with', async () => {
    const unknown: LanguageModelV4StreamPart = { type: 'tool-call', toolCallId: '1', toolName: 'nonsense', input: '{' };
    const model = scripted([unknown, finish('tool-calls', 'tool_calls')], [...says('Sorry.'), finish('stop', 'stop')]);
    expect(await call(model)).toMatchObject({ ok: true, value: { text: 'Sorry.' } });
  });

  it('[PRV-02] prints nothing, whatever happens', async () => {
    const printed = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn'), vi.spyOn(process, 'emitWarning')];
    const warning: LanguageModelV4StreamPart = {
      type: 'stream-start',
      warnings: [{ type: 'other', message: 'beware' }],
    };
    await call(scripted([warning, { type: 'error', error: new Error('my diary') }]));
    await call(scripted([warning, ...says('Hi.'), finish('stop', 'stop')]));
    for (const print of printed) expect(print).not.toHaveBeenCalled();
  });
});
