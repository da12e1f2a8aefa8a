import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../lib/manual-clock.ts';
import { Pauses } from './pauses.ts';

const BACKOFF = { baseMs: 8_000, maxMs: 32_000 };

function open() {
  const clock = new ManualClock();
  return { clock, pauses: new Pauses(clock) };
}

/** Waits through a pause; its length. */
function passOne({ clock, pauses }: ReturnType<typeof open>): number {
  const lengthMs = pauses.begin('a', BACKOFF);
  clock.advance(lengthMs);
  return lengthMs;
}

describe('a pause', () => {
  it('[WHA-02] holds who has to wait until it is over, and nobody else', () => {
    const { clock, pauses } = open();
    const lengthMs = pauses.begin('a', BACKOFF);
    expect([pauses.remainingMs('a'), pauses.remainingMs('b'), pauses.remainingMs('b', 'a')]).toEqual([
      lengthMs,
      0,
      lengthMs,
    ]);
    clock.advance(lengthMs - 1);
    expect(pauses.remainingMs('a')).toBe(1);
    clock.advance(1);
    expect(pauses.remainingMs('a')).toBe(0);
  });

  it('[WHA-02] is longer each time, up to a limit, until it works again', () => {
    const waiting = open();
    // Up to half of each is taken off at random.
    for (const longestMs of [8_000, 16_000, 32_000, 32_000]) {
      const lengthMs = passOne(waiting);
      expect(lengthMs).toBeGreaterThanOrEqual(longestMs / 2);
      expect(lengthMs).toBeLessThanOrEqual(longestMs);
    }
    waiting.pauses.end('a');
    expect(passOne(waiting)).toBeLessThanOrEqual(8_000);
  });

  it('[WHA-02] is one, however many run into it at once', () => {
    const { pauses } = open();
    const lengths = Array.from({ length: 5 }, () => pauses.begin('a', BACKOFF));
    expect(new Set(lengths).size).toBe(1);
  });

  it('[WHA-02] that is long past does not make the next one longer', () => {
    const waiting = open();
    for (let count = 0; count < 4; count++) passOne(waiting);
    waiting.clock.advance(3_600_001);
    expect(passOne(waiting)).toBeLessThanOrEqual(8_000);
  });
});
