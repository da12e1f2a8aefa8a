import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../lib/manual-clock.ts';
import { Pacing } from './pacing.ts';

const PACE = { accountGapMs: 100, chatGapMs: 1_000 };

/** When each of these messages goes, in milliseconds after the first; they are asked for one after the other. */
async function times(random: number, ...chats: string[]): Promise<number[]> {
  const clock = new ManualClock();
  const pacing = new Pacing(PACE, clock, () => random);
  const start = clock.now();
  const went: number[] = [];
  for (const chat of chats) {
    let gone = false;
    const turn = pacing.turn(chat, new AbortController().signal).then(() => {
      gone = true;
    });
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (gone) break;
      clock.advance(10);
    }
    await turn;
    went.push(clock.now() - start);
  }
  return went;
}

describe('the pace of an account', () => {
  it('[WHA-05] messages of an account keep apart, those to one chat more so', async () => {
    expect(await times(0, 'ann', 'bob', 'ann', 'ann')).toEqual([0, 100, 1_000, 2_000]);
  });

  it('[WHA-05] the gaps are not all the same', async () => {
    expect(await times(0.5, 'ann', 'bob', 'ann')).toEqual([0, 130, 1_250]);
  });

  it('[WHA-05] a stop ends the wait', async () => {
    const clock = new ManualClock();
    const pacing = new Pacing(PACE, clock);
    const stopping = new AbortController();
    await pacing.turn('ann', stopping.signal);
    const waiting = pacing.turn('ann', stopping.signal);
    stopping.abort();
    await waiting;
    expect(clock.armed).toBe(0);
  });
});
