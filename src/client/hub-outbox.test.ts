import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../lib/allowance.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { HubOutbox } from './hub-outbox.ts';

/** A socket that notes what it was given, and sends nothing until told to. */
function socket() {
  const sent: string[] = [];
  return { sent, bufferedAmount: 0, send: (text: unknown) => void sent.push(String(text)) };
}

describe('what an agent has to say', () => {
  it('[HUB-03] is said in order, but signs of life first', () => {
    const clock = new ManualClock();
    const to = socket();
    const outbox = new HubOutbox(to, clock);
    outbox.put('a');
    to.bufferedAmount = 1024 * 1024 + 1;
    for (const text of ['b', 'c']) outbox.put(text);
    outbox.putFirst('ping');
    clock.advance(1_000);
    expect(to.sent).toEqual(['a']);
    to.bufferedAmount = 0;
    clock.advance(50);
    expect(to.sent).toEqual(['a', 'ping', 'b', 'c']);
    expect(clock.armed).toBe(0);
  });

  it('[HUB-06] is too much at some time', () => {
    const clock = new ManualClock();
    const to = { ...socket(), bufferedAmount: 2 * 1024 * 1024 };
    const outbox = new HubOutbox(to, clock);
    const text = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < 16; i++) outbox.put(text);
    expect(outbox.isFull).toBe(false);
    outbox.put('one more');
    expect(outbox.isFull).toBe(true);
    to.bufferedAmount = 0;
    while (clock.armed > 0) clock.advance(50);
    expect([outbox.isFull, to.sent.length]).toEqual([false, 17]);
    to.bufferedAmount = 2 * 1024 * 1024;
    outbox.put('never');
    outbox.stop();
    expect(clock.armed).toBe(0);
  });

  it('[HUB-06] never comes faster than the hub puts up with, and all of it comes', () => {
    const frames = fc.array(fc.record({ bytes: fc.oneof(fc.nat(100), fc.nat(1024 * 1024)), waitMs: fc.nat(500) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(frames, fc.nat(600), (later, atOnce) => {
        const clock = new ManualClock();
        // As in src/hub/connection.ts.
        const allowed = new TokenBucket({ burst: 400, perSecond: 100 }, clock);
        let accepted = 0;
        const send = (text: unknown): void => {
          if (allowed.take(1 + Math.floor(String(text).length / 8192))) accepted += 1;
        };
        const outbox = new HubOutbox({ bufferedAmount: 0, send }, clock);
        for (let i = 0; i < atOnce; i++) outbox.put('{}');
        for (const { bytes, waitMs } of later) {
          outbox.put('x'.repeat(bytes));
          clock.advance(waitMs);
        }
        while (clock.armed > 0) clock.advance(50);
        expect(accepted).toBe(atOnce + later.length);
      }),
      { numRuns: 30 },
    );
  });
});
