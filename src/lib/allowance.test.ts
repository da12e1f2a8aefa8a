import { describe, expect, it } from 'vitest';
import { AddressAllowance, TokenBucket } from './allowance.ts';
import { ManualClock } from './manual-clock.ts';

describe('a token bucket', () => {
  it('[HUB-06] gives what is in it, and fills up again', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ burst: 2, perSecond: 0.5 }, clock);
    expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, false]);
    expect(bucket.waitSeconds).toBe(2);
    clock.advance(1_999);
    expect(bucket.take()).toBe(false);
    clock.advance(1);
    expect([bucket.take(), bucket.take()]).toEqual([true, false]);
    clock.advance(3_600_000);
    expect([bucket.take(3), bucket.take(2)]).toEqual([false, true]);
  });

  it('[HUB-06] neither gives nor takes when the clock is set back', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ burst: 1, perSecond: 1 }, clock);
    bucket.take();
    clock.advance(-60_000);
    expect(bucket.take()).toBe(false);
    clock.advance(1_000);
    expect(bucket.take()).toBe(true);
  });
});

describe('the allowances of addresses', () => {
  it('[HUB-06] are apart', () => {
    const allowance = new AddressAllowance({ burst: 1, perSecond: 1 }, new ManualClock());
    expect([allowance.take('a'), allowance.take('a'), allowance.take('b')]).toEqual([true, false, true]);
    expect([allowance.waitSeconds('a'), allowance.waitSeconds('never seen')]).toEqual([1, 0]);
  });

  it('[HUB-06] are forgotten once they are full again, and above a number in any case', () => {
    const clock = new ManualClock();
    const allowance = new AddressAllowance({ burst: 1, perSecond: 1 }, clock);
    for (let n = 0; n < 20_000; n++) allowance.take(`address ${n}`);
    expect(allowance.size).toBe(10_000);
    clock.advance(1_000);
    for (let n = 0; n < 10_000; n++) allowance.take('one');
    expect(allowance.size).toBe(1);
  });
});
