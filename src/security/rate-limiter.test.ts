import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { RateLimiter } from './rate-limiter.ts';

describe('RateLimiter', () => {
  it('[SEC-01] admits at most max in any window, wherever the window lies', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (waits, max) => {
        const clock = new ManualClock();
        const limiter = new RateLimiter({ max, windowMs: 1000 }, clock, 10);
        const admitted: number[] = [];
        for (const wait of waits) {
          clock.advance(wait);
          const inWindow = admitted.filter((at) => clock.now() - at < 1000).length;
          const outcome = limiter.admit('nova');
          expect(outcome === 'admitted').toBe(inWindow < max);
          if (outcome === 'admitted') admitted.push(clock.now());
        }
      }),
    );
  });

  it('[SEC-01] a refused sender is told at most once in a window', () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter({ max: 1, windowMs: 1000 }, clock, 10);
    expect(limiter.admit('nova')).toBe('admitted');
    expect(limiter.admit('nova')).toBe('refused');
    clock.advance(500);
    expect(limiter.admit('nova')).toBe('refused-again');
    clock.advance(500);
    expect(limiter.admit('nova')).toBe('admitted');
    expect(limiter.admit('nova')).toBe('refused');
  });

  it('[SEC-01] remembers a bounded number of senders, and forgets those that are quiet', () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter({ max: 2, windowMs: 1000 }, clock, 100);
    for (let i = 0; i < 1000; i++) limiter.admit(`sender ${i}`);
    expect(limiter.size).toBe(100);
    clock.advance(1000);
    for (let i = 0; i < 100; i++) limiter.admit('nova');
    expect(limiter.size).toBeGreaterThan(90);
    clock.advance(1000);
    for (let i = 0; i < 100; i++) {
      limiter.admit('nova');
      clock.advance(600);
    }
    expect(limiter.size).toBe(1);
  });

  it('[SEC-01] a clock that is set back locks nobody out', () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter({ max: 1, windowMs: 1000 }, clock, 10);
    limiter.admit('nova');
    clock.advance(-3_600_000);
    expect(limiter.admit('nova')).toBe('admitted');
    expect(limiter.admit('nova')).toBe('refused');
  });
});
