import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { Breaker, OPEN_MS } from './breaker.ts';
import { RateCap } from './rate-cap.ts';

describe('circuit breaker', () => {
  it('[PRV-02] opens after three failures in a row, and lets one request through when the time is over', () => {
    const clock = new ManualClock();
    const breaker = new Breaker(clock);
    breaker.failed();
    breaker.failed();
    breaker.succeeded();
    breaker.failed();
    breaker.failed();
    expect(breaker.state).toBe('closed');
    breaker.failed();
    expect([breaker.state, breaker.tryEnter(), breaker.waitMs]).toEqual(['open', false, OPEN_MS]);
    clock.advance(OPEN_MS);
    expect([breaker.state, breaker.tryEnter(), breaker.tryEnter()]).toEqual(['half-open', true, false]);
    breaker.failed();
    expect(breaker.state).toBe('open');
    clock.advance(OPEN_MS);
    expect(breaker.tryEnter()).toBe(true);
    breaker.succeeded();
    expect([breaker.state, breaker.tryEnter(), breaker.tryEnter()]).toEqual(['closed', true, true]);
  });

  it('[PRV-02] a probe that was given up leaves the way free for another', () => {
    const clock = new ManualClock();
    const breaker = new Breaker(clock);
    breaker.open(1000);
    clock.advance(1000);
    expect(breaker.tryEnter()).toBe(true);
    breaker.left();
    expect([breaker.state, breaker.tryEnter()]).toEqual(['half-open', true]);
  });
});

describe('requests-per-minute cap', () => {
  it('[PRV-02] allows so many in any minute, not in each', () => {
    const clock = new ManualClock();
    const cap = new RateCap(2, clock);
    cap.count();
    clock.advance(50_000);
    cap.count();
    expect(cap.waitMs()).toBe(10_000);
    clock.advance(10_000);
    expect(cap.waitMs()).toBe(0);
    cap.count();
    expect(cap.waitMs()).toBe(50_000);
  });

  it('[PRV-02] requests over the cap count too', () => {
    const clock = new ManualClock();
    const cap = new RateCap(1, clock);
    cap.count();
    clock.advance(30_000);
    cap.count();
    expect(cap.waitMs()).toBe(60_000);
  });
});
