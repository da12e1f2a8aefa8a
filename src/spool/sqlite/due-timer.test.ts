import { describe, expect, it } from 'vitest';
import { draft, mailbox, openSpoolAt, openTestSpool } from '../../../test/support/spool.ts';

describe('what comes due', () => {
  it('[SPL-02] is found when another process, gone by then, put it there', async () => {
    await using t = openTestSpool();
    const message = draft('bob');
    await t.spool.send([message]);
    const other = openSpoolAt(t.path, t.clock);
    await other.spool.claim(mailbox('bob'), { leaseMs: 100 });
    await other.spool.close();
    await other.db.close();
    t.clock.advance(100);
    const [delivery] = await t.spool.claim(mailbox('bob'));
    expect(delivery).toMatchObject({ attempt: 2, message: { id: message.id } });
  });

  it('[SPL-03] comes sooner when a lease is extended to less than it had', async () => {
    await using t = openTestSpool();
    await t.spool.send([draft('bob')]);
    const [delivery] = await t.spool.claim(mailbox('bob'), { leaseMs: 60_000 });
    if (!delivery) throw new Error('nothing to claim');
    await t.spool.extend(delivery.lease, 50);
    const waiting = t.spool.claim(mailbox('bob'), { wait: true });
    await t.settled();
    t.clock.advance(50);
    expect((await waiting)[0]?.attempt).toBe(2);
  });

  it('[SPL-02] sets no more timers than it needs, and none once it is closed', async () => {
    await using t = openTestSpool();
    await t.spool.send([draft('bob'), draft('bob', { deliverAt: t.clock.now() + 10 })]);
    await t.spool.claim(mailbox('bob'), { leaseMs: 20 });
    expect(t.clock.armed).toBe(1);
    await t.spool.close();
    expect(t.clock.armed).toBe(0);
  });
});
