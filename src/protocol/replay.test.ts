import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentId } from '../domain/addresses.ts';
import { type ReceiptContext, readEnvelope, restamped, writeEnvelope } from './envelope.ts';
import { draftOf, MAX_AGE_MS, NO_KEYS, receipt, SEALING, SENT_AT, SIGNING_AND_SEALING } from './envelope-fixtures.ts';
import type { SeenEnvelope, SeenEnvelopes } from './seen-envelopes.ts';

class InMemorySeenEnvelopes implements SeenEnvelopes {
  readonly #entries = new Map<string, { readonly delivery: number; readonly forgetAfter: number }>();

  async remember({ recipient, envelope, delivery }: SeenEnvelope, forgetAfter: number): Promise<'new' | 'replay'> {
    const key = `${recipient} ${envelope}`;
    const known = this.#entries.get(key);
    if (!known) this.#entries.set(key, { delivery, forgetAfter });
    return known && known.delivery !== delivery ? 'replay' : 'new';
  }

  /** Drops what may be dropped when it is `now` and nothing accepted before `oldest` can be handed out any more. */
  sweep(now: number, oldest: number): void {
    for (const [key, { forgetAfter }] of this.#entries) {
      if (forgetAfter < Math.min(now, oldest)) this.#entries.delete(key);
    }
  }

  get size(): number {
    return this.#entries.size;
  }
}

/** How long a carrier may have kept an envelope. */
const CARRIED_MS = 24 * 3_600_000;

const text = writeEnvelope(draftOf('hello'), SIGNING_AND_SEALING);

async function outcome(envelope: string, changes: Partial<ReceiptContext>): Promise<string> {
  const read = await readEnvelope(envelope, receipt(changes));
  return read.ok ? 'opened' : read.error.reason;
}

describe('replays of envelopes', () => {
  it('[PRO-04] are refused, and a second handling of the same delivery is none', async () => {
    const seen = new InMemorySeenEnvelopes();
    expect(await outcome(text, { seen, delivery: 1 })).toBe('opened');
    expect(await outcome(text, { seen, delivery: 1 })).toBe('opened');
    expect(await outcome(text, { seen, delivery: 2 })).toBe('replayed');
    expect(await outcome(text, { seen, delivery: 1 })).toBe('opened');
  });

  it('[PRO-04] are counted for each recipient: a group envelope goes to many', async () => {
    const seen = new InMemorySeenEnvelopes();
    expect(await outcome(text, { seen, delivery: 1 })).toBe('opened');
    expect(await outcome(text, { seen, delivery: 2, recipient: agentId('bolt_001') })).toBe('opened');
  });

  it('[PRO-04] are recognised in envelopes without an id, however their fields are ordered', async () => {
    const seen = new InMemorySeenEnvelopes();
    const { id: _, ...foreign } = JSON.parse(writeEnvelope(draftOf('hello'), NO_KEYS));
    const context = { seen, keys: NO_KEYS, requireAuth: false };
    const reversed = Object.fromEntries(Object.entries(foreign).reverse());
    const other = { ...foreign, payload: 'hello again' };
    expect(await outcome(JSON.stringify(foreign), { ...context, delivery: 1 })).toBe('opened');
    expect(await outcome(JSON.stringify(reversed), { ...context, delivery: 2 })).toBe('replayed');
    expect(await outcome(JSON.stringify(other), { ...context, delivery: 3 })).toBe('opened');
  });

  it('[PRO-04] cannot be faked: a forged or stale envelope uses no id up', async () => {
    const seen = new InMemorySeenEnvelopes();
    const forged = text.replace('Atlas', 'Mallory');
    expect(await outcome(forged, { seen, delivery: 1 })).toBe('bad-signature');
    expect(await outcome(text, { seen, delivery: 2, acceptedAt: SENT_AT + MAX_AGE_MS + 1 })).toBe('stale');
    expect(await outcome(text, { seen, delivery: 3, recipient: agentId('bolt_001') })).toBe('opened');
    expect(seen.size).toBe(1);
    expect(await outcome(text, { seen, delivery: 4 })).toBe('opened');
  });

  it('[PRO-04] cannot be faked where only the seal proves the sender', async () => {
    const seen = new InMemorySeenEnvelopes();
    const context = { seen, keys: SEALING, requireAuth: false };
    const sealed = writeEnvelope(draftOf('hello'), SEALING);
    expect(await outcome(sealed.replace('Atlas', 'Mallory'), { ...context, delivery: 1 })).toBe('unreadable');
    expect(await outcome(sealed, { ...context, delivery: 2 })).toBe('opened');
    expect(await outcome(sealed, { ...context, delivery: 3 })).toBe('replayed');
  });

  it('[PRO-05] are looked for before anything is decrypted', async () => {
    const seen = new InMemorySeenEnvelopes();
    const wrongSeal = writeEnvelope(draftOf('hello'), { ...SIGNING_AND_SEALING, sealing: SIGNING_AND_SEALING.signing });
    expect(await outcome(wrongSeal, { seen, delivery: 1 })).toBe('unreadable');
    expect(await outcome(wrongSeal, { seen, delivery: 2 })).toBe('replayed');
  });

  it('[PRO-04] are recognised when the timestamp is from the future and the replay comes at the very end of the window', async () => {
    const seen = new InMemorySeenEnvelopes();
    const first = SENT_AT - MAX_AGE_MS;
    const last = SENT_AT + MAX_AGE_MS;
    expect(await outcome(text, { seen, delivery: 1, acceptedAt: first })).toBe('opened');
    seen.sweep(last, last);
    expect(await outcome(text, { seen, delivery: 2, acceptedAt: last })).toBe('replayed');
  });

  it('[PRO-04] are recognised however long they waited in the mailbox', async () => {
    const seen = new InMemorySeenEnvelopes();
    const hoursLater = SENT_AT + 10 * 3_600_000;
    expect(await outcome(text, { seen, delivery: 1, acceptedAt: SENT_AT })).toBe('opened');
    seen.sweep(hoursLater, SENT_AT + 1000);
    expect(await outcome(text, { seen, delivery: 2, acceptedAt: SENT_AT + 1000 })).toBe('replayed');
  });

  it('[PRO-04] are never opened, whenever they come, whatever is swept, with our clock set back by up to the window', async () => {
    const offset = fc.integer({ min: -3 * MAX_AGE_MS, max: 3 * MAX_AGE_MS });
    await fc.assert(
      fc.asyncProperty(offset, offset, fc.integer({ min: 0, max: MAX_AGE_MS }), async (first, second, setBack) => {
        const seen = new InMemorySeenEnvelopes();
        const opened = await outcome(text, { seen, delivery: 1, acceptedAt: SENT_AT + first });
        fc.pre(opened === 'opened');
        // Before the replay arrives nothing is waiting: everything up to the clock's (too late) time is swept.
        const swept = SENT_AT + second + setBack;
        seen.sweep(swept, swept);
        expect(await outcome(text, { seen, delivery: 2, acceptedAt: SENT_AT + second })).not.toBe('opened');
      }),
    );
  });

  it('[PRO-04] are recognised by their ids: a new stamp on the same envelope makes it no other', async () => {
    const seen = new InMemorySeenEnvelopes();
    const later = SENT_AT + MAX_AGE_MS;
    const copy = restamped(text, SIGNING_AND_SEALING, later);
    expect(await outcome(text, { seen, delivery: 1 })).toBe('opened');
    expect(await outcome(copy, { seen, delivery: 2, acceptedAt: later })).toBe('replayed');
  });

  it('[PRO-04] are never opened, whatever carriers say of when they were posted, and however the first copy came', async () => {
    const came = fc.integer({ min: -2 * MAX_AGE_MS, max: CARRIED_MS + 3 * MAX_AGE_MS });
    const posted = fc.option(fc.integer({ min: -2 * MAX_AGE_MS, max: 2 * MAX_AGE_MS }), { nil: undefined });
    const arrival = fc.record({ came, posted });
    const setBacks = fc.integer({ min: 0, max: MAX_AGE_MS });
    const by = ({ came, posted }: { came: number; posted: number | undefined }) => ({
      acceptedAt: SENT_AT + came,
      postedAt: posted === undefined ? undefined : SENT_AT + posted,
    });
    await fc.assert(
      fc.asyncProperty(arrival, arrival, setBacks, async (first, second, setBack) => {
        const seen = new InMemorySeenEnvelopes();
        fc.pre((await outcome(text, { seen, delivery: 1, ...by(first) })) === 'opened');
        const swept = SENT_AT + second.came + setBack;
        seen.sweep(swept, swept);
        expect(await outcome(text, { seen, delivery: 2, ...by(second) })).not.toBe('opened');
      }),
    );
  });

  it('[PRO-04] are recognised when a carrier brings late what came by itself', async () => {
    const seen = new InMemorySeenEnvelopes();
    expect(await outcome(text, { seen, delivery: 1 })).toBe('opened');
    const last = SENT_AT + CARRIED_MS + MAX_AGE_MS;
    seen.sweep(last, last);
    const lie = { acceptedAt: last, postedAt: SENT_AT + MAX_AGE_MS };
    expect(await outcome(text, { seen, delivery: 2, ...lie })).toBe('replayed');
    expect(await outcome(text, { seen: new InMemorySeenEnvelopes(), ...lie })).toBe('opened');
  });

  it('[PRO-04] are forgotten once they would be stale anyway', async () => {
    const seen = new InMemorySeenEnvelopes();
    await outcome(text, { seen });
    const later = SENT_AT + 2 * MAX_AGE_MS + CARRIED_MS + 1;
    seen.sweep(later, later);
    expect(seen.size).toBe(0);
    expect(await outcome(text, { seen, delivery: 2, acceptedAt: later, postedAt: SENT_AT })).toBe('stale');
  });
});
