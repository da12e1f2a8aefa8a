import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../lib/manual-clock.ts';
import { Lease } from './lease.ts';

const NOBODY = 999_999_999;

/** An account whose owner is on record: `claims` counts how often it was asked for. */
function account(owner: string | null = null) {
  const state = { owner, claims: 0, lost: 0 };
  const clock = new ManualClock();
  const lease = new Lease({
    account: 'atlas',
    clock,
    lost: () => {
      state.lost += 1;
    },
    sessions: {
      own: async (_account, holder, _ttlMs, gone) => {
        state.claims += 1;
        if (state.owner === null || gone(state.owner)) state.owner = holder;
        return state.owner;
      },
      disown: async (_account, holder) => {
        if (state.owner === holder) state.owner = null;
      },
    },
  });
  return { state, clock, lease };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the right to run an account', () => {
  it('[WHA-01] is renewed until it is given up, and then nothing is armed', async () => {
    const { state, clock, lease } = account();
    expect(await lease.take()).toBe(true);
    clock.advance(10_000);
    await turn();
    clock.advance(10_000);
    await turn();
    expect(state.claims).toBe(3);
    await lease.release();
    expect([state.owner, clock.armed, state.lost]).toEqual([null, 0, 0]);
  });

  it('[WHA-01] is not taken from a process that lives, here or elsewhere', async () => {
    expect(await account(`${hostname()}/${process.ppid}/0/x`).lease.take()).toBe(false);
    expect(await account(`another-machine/${NOBODY}/0/x`).lease.take()).toBe(false);
  });

  it('[WHA-01] is taken at once from a process of this machine that has died, one of the same number too', async () => {
    expect(await account(`${hostname()}/${NOBODY}/0/x`).lease.take()).toBe(true);
    expect(await account(`${hostname()}/${process.pid}/0/x`).lease.take()).toBe(true);
  });

  it('[WHA-01] two channels of one process do not take it from each other', async () => {
    const first = account();
    await first.lease.take();
    expect(await account(first.state.owner).lease.take()).toBe(false);
    await first.lease.release();
  });

  it('[WHA-01] who has lost it is told', async () => {
    const { state, clock, lease } = account();
    await lease.take();
    state.owner = `another-machine/${NOBODY}/0/x`;
    clock.advance(10_000);
    await turn();
    expect([state.lost, clock.armed]).toEqual([1, 0]);
  });
});
