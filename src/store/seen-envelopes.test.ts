import { describe, expect, it } from 'vitest';
import { draft, mailbox, openSpoolAt, openTestSpool } from '../../test/support/spool.ts';
import { agentId, messageId } from '../domain/addresses.ts';
import { SqliteSeenEnvelopes } from './seen-envelopes.ts';

const seen = (delivery: number, { envelope = 'env', recipient = 'bob' } = {}) => ({
  recipient: agentId(recipient),
  envelope: messageId(envelope),
  delivery,
});

describe('the memory of envelopes', () => {
  it('[PRO-04] a copy by another delivery is a replay, the same delivery is not, however often', async () => {
    await using t = openTestSpool();
    const memory = new SqliteSeenEnvelopes(t.db);
    expect(await memory.remember(seen(1), 1_000)).toBe('new');
    expect(await memory.remember(seen(2), 1_000)).toBe('replay');
    expect(await memory.remember(seen(1), 1_000)).toBe('new');
    expect(await memory.remember(seen(3, { recipient: 'carol' }), 1_000)).toBe('new');
    expect(await memory.remember(seen(4, { envelope: 'other' }), 1_000)).toBe('new');
  });

  it('[PRO-04] of two copies at the same time, in two processes, one is new', async () => {
    await using t = openTestSpool();
    const other = openSpoolAt(t.path, t.clock);
    const verdicts = await Promise.all([
      new SqliteSeenEnvelopes(t.db).remember(seen(1), 1_000),
      new SqliteSeenEnvelopes(other.db).remember(seen(2), 1_000),
    ]);
    expect(verdicts.sort()).toEqual(['new', 'replay']);
    await other.spool.close();
    await other.db.close();
  });

  it('[PRO-04] it survives a restart', async () => {
    await using t = openTestSpool();
    await new SqliteSeenEnvelopes(t.db).remember(seen(1), 1_000);
    const reopened = openSpoolAt(t.path, t.clock);
    expect(await new SqliteSeenEnvelopes(reopened.db).remember(seen(2), 1_000)).toBe('replay');
    await reopened.spool.close();
    await reopened.db.close();
  });

  it('[PRO-04] it forgets only what is past its time, counting the latest', async () => {
    await using t = openTestSpool();
    const memory = new SqliteSeenEnvelopes(t.db);
    await memory.remember(seen(1), 1_000);
    await memory.remember(seen(1), 2_000);
    await memory.remember(seen(1), 500);
    expect(await memory.sweep(2_000)).toBe(0);
    expect(await memory.sweep(2_001)).toBe(1);
    expect(await memory.remember(seen(2), 3_000)).toBe('new');
  });

  it('[PRO-04] it forgets nothing of which a copy may still wait, in a mailbox or among the dead letters', async () => {
    await using t = openTestSpool();
    const memory = new SqliteSeenEnvelopes(t.db);
    const message = draft('bob', { ttlMs: null });
    await t.spool.send([message]);
    const forgetAfter = t.clock.now();
    await memory.remember(seen(1), forgetAfter);
    t.clock.advance(3_600_000);
    const sweep = (): Promise<number> => memory.sweep(t.clock.now());
    expect(await sweep()).toBe(0);

    const [delivery] = await t.spool.claim(mailbox('bob'), { leaseMs: 99_000_000 });
    if (!delivery) throw new Error('nothing to claim');
    expect(await sweep()).toBe(0);
    await t.spool.settle(delivery.lease, { kind: 'term', reason: 'broken' });
    expect(await sweep()).toBe(0);

    await t.spool.redrive(delivery.lease.delivery);
    const [again] = await t.spool.claim(mailbox('bob'));
    if (!again) throw new Error('nothing to claim');
    await t.spool.settle(again.lease, { kind: 'ack' });
    expect(await sweep()).toBe(1);
  });
});
