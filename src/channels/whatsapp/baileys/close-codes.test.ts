import { describe, expect, it } from 'vitest';
import { closeCode } from './close-codes.ts';
import { judge } from './verdict.ts';

const closed = (code: number | null) => ({ kind: 'closed', code, reason: 'as it was' }) as const;

describe('what follows when a connection has ended', () => {
  it.each([
    [515, 'at-once'],
    [408, 'retry'],
    [428, 'retry'],
    [463, 'retry'],
    [500, 'retry'],
    [503, 'retry'],
    [440, 'stop'],
    [405, 'stop'],
    [401, 'link-again'],
    [403, 'link-again'],
    [411, 'link-again'],
    [599, 'retry'],
  ] as const)('[WHA-05] close code %i: %s, with a reason in words', (code, action) => {
    expect(judge(closed(code), true)).toEqual({ action, code, reason: closeCode(code).reason });
    expect(closeCode(code).reason).toMatch(/^[a-zA-Z].{10,}/);
  });

  it('[WHA-01] codes that nobody used in time are followed by new ones at once', () => {
    expect(judge(closed(408), false).action).toBe('at-once');
  });

  it('[WHA-01] there is nothing to forget before a device is linked', () => {
    expect(judge(closed(401), false).action).toBe('retry');
  });

  it('[SEC-05] a server that is not trusted is left alone', () => {
    expect(judge({ kind: 'not-trusted', reason: 'as it was' }, true)).toEqual({
      action: 'stop',
      code: null,
      reason: 'the server could not prove that it is WhatsApp (as it was)',
    });
  });

  it('[WHA-05] trouble of the network and of the disk passes', () => {
    expect(judge(closed(null), true)).toEqual({ action: 'retry', code: null, reason: 'as it was' });
    expect(judge({ kind: 'not-stored', error: new Error('no space') }, true)).toEqual({
      action: 'retry',
      code: null,
      reason: 'what WhatsApp delivered could not be stored: no space',
    });
  });
});
