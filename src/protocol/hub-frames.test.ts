import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HUB_CLOSE, readAgentFrame } from './hub-frames.ts';

const read = (frame: unknown) => readAgentFrame(JSON.stringify(frame));

describe('the frames of the hub', () => {
  it('[HUB-03] are frozen', () => {
    const frames = [
      {
        type: 'register',
        name: 'network-ai',
        workspace: 'ai-comms',
        skills: ['networking'],
        secret: 's',
        session: 't',
      },
      { type: 'task-response', requestId: 'r1', response: { any: ['JSON', 1, null] } },
      { type: 'task-error', requestId: 'r1', error: 'why' },
      { type: 'task-progress', requestId: 'r1', progress: 0.5 },
      { type: 'agent-message', target: 'nova', message: 'Hello' },
      { type: 'ping' },
      { type: 'pong' },
    ];
    expect(frames.map(read)).toEqual(frames.map((frame) => ({ frame })));
  });

  it('[HUB-03] have close codes that are frozen', () => {
    expect(HUB_CLOSE).toEqual({
      notRegistered: 4001,
      refused: 4003,
      full: 4004,
      tooManyConnections: 4005,
      tooFast: 4006,
    });
  });

  it('[HUB-03] may leave out what an agent need not say, and may have more', () => {
    expect(read({ type: 'register', name: 'a', version: 7 })).toEqual({
      frame: { type: 'register', name: 'a', workspace: '', skills: [] },
    });
  });

  it('[HUB-06] that are wrong are told by their field, without what was in it', () => {
    const secret = { type: 'register', name: 'a', secret: { of: 'mine' } };
    expect(read(secret)).toEqual({ problem: 'secret must be text.' });
    expect(read({ type: 'agent-message', message: 'x' })).toEqual({
      problem: expect.stringMatching(/^target must be/),
    });
    expect(read(null)).toEqual({ problem: expect.stringMatching(/^The whole /) });
    expect(readAgentFrame('{')).toEqual({ problem: 'A frame is one JSON object.' });
  });

  it('[HUB-06] may be anything, and nothing throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((value) => JSON.stringify(value)),
        ),
        (text) => {
          expect(Object.keys(readAgentFrame(text))).toHaveLength(1);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
