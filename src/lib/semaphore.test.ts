import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Semaphore } from './semaphore.ts';

const never = new AbortController().signal;

describe('a semaphore', () => {
  it('[BRD-02] never lets more work than it may, and lets everybody in their order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 0, max: 3 })),
        async (limit, pauses) => {
          const semaphore = new Semaphore(limit);
          const begun: number[] = [];
          let working = 0;
          let most = 0;
          const work = (index: number, pause: number) => async (): Promise<number> => {
            begun.push(index);
            most = Math.max(most, ++working);
            for (let i = 0; i < pause; i++) await Promise.resolve();
            working--;
            return index;
          };
          const results = await Promise.all(pauses.map((pause, index) => semaphore.run(work(index, pause), never)));
          expect(results).toEqual([...pauses.keys()]);
          expect(begun).toEqual([...pauses.keys()]);
          expect(most).toBeLessThanOrEqual(limit);
        },
      ),
    );
  });

  it('[BRD-02] who fails or gives up waiting keeps nobody out', async () => {
    const semaphore = new Semaphore(1);
    const first = Promise.withResolvers<string>();
    const one = semaphore.run(() => first.promise, never);
    const giveUp = new AbortController();
    const two = semaphore.run(async () => 'two', giveUp.signal);
    const three = semaphore.run(async () => 'three', never);
    giveUp.abort(new Error('enough'));
    await expect(two).rejects.toThrow('enough');
    first.reject(new Error('broken'));
    await expect(one).rejects.toThrow('broken');
    expect(await three).toBe('three');
    expect(await semaphore.run(async () => 'four', never)).toBe('four');
  });
});
