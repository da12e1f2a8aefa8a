import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { spoolContract } from '../../../test/contract/spool.ts';
import { draft, mailbox, openSpoolAt, openTestSpool, temporaryFolder } from '../../../test/support/spool.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { DEAD_LETTERS } from '../dead-letter.ts';
import { Database } from './database.ts';

spoolContract('SQLite', () => openTestSpool());

describe('the spool on SQLite', () => {
  it('[SPL-07] the messages view shows who wrote to whom and how it stands', async () => {
    await using t = openTestSpool();
    const message = draft(['bob', 'carol']);
    await t.spool.send([message]);
    await t.spool.claim(mailbox('bob'));
    expect(t.db.prepare('SELECT id, from_agent, to_agent, status FROM messages ORDER BY to_agent').all()).toEqual([
      { id: message.id, from_agent: 'sender', to_agent: 'bob', status: 'leased' },
      { id: message.id, from_agent: 'sender', to_agent: 'carol', status: 'queued' },
    ]);
  });

  it('[SPL-02] a dead letter is told of by a message, in the same transaction', async () => {
    await using t = openTestSpool();
    const message = draft('bob');
    await t.spool.send([message]);
    const [delivery] = await t.spool.claim(mailbox('bob'));
    if (!delivery) throw new Error('nothing to claim');
    await t.spool.settle(delivery.lease, { kind: 'term', reason: 'hopeless' });
    const [notice] = await t.spool.claim(DEAD_LETTERS);
    expect(notice?.message.payload.data).toEqual({
      delivery: delivery.lease.delivery,
      message: message.id,
      to: mailbox('bob'),
      status: 'failed',
      reason: 'hopeless',
    });
  });

  it('[SPL-09] what came too late is told of too, whether a claim or a cleanup finds it', async () => {
    await using t = openTestSpool();
    const messages = [draft('bob', { ttlMs: 10 }), draft('carol', { ttlMs: 10 })];
    await t.spool.send(messages);
    t.clock.advance(10);
    const settled: string[] = [];
    t.spool.on('settled', ({ message, status }) => settled.push(`${message} ${status}`));
    await t.spool.claim(mailbox('bob'));
    expect(await t.spool.cleanup(0)).toEqual({ expired: 1, removed: 0 });
    expect(settled).toEqual(messages.map(({ id }) => `${id} expired`));
    const notices = await t.spool.claim(DEAD_LETTERS, { limit: 5 });
    const expired = { status: 'expired', reason: null };
    expect(notices.map(({ message }) => message.payload.data)).toMatchObject(
      messages.map(({ id }) => ({ message: id, ...expired })),
    );
  });

  it('[SPL-09] a claim that waits in one opening of the file is woken by a send in another', async () => {
    await using t = openTestSpool();
    const other = openSpoolAt(t.path, t.clock);
    const waiting = t.spool.claim(mailbox('bob'), { wait: true });
    const message = draft('bob');
    await other.spool.send([message]);
    expect((await waiting)[0]?.message.id).toBe(message.id);
    await other.spool.close();
    await other.db.close();
  });

  it.each([10, -10])(
    '[SPL-03] a clock that is set by %d minutes ends no lease and no message early',
    async (minutes) => {
      const steady = new ManualClock();
      const date = new ManualClock();
      const folder = temporaryFolder();
      const path = join(folder.path, 'coordination.db');
      const [one, other] = [1, 2].map(() => openSpoolAt(path, date, steady));
      if (!one || !other) throw new Error('two were asked for');
      const later = draft('carol', { deliverAt: date.now() + 60_000 });
      await one.spool.send([draft('bob'), draft('dave', { ttlMs: 30_000 }), later]);
      const [held] = await one.spool.claim(mailbox('bob'), { leaseMs: 60_000 });
      date.advance(minutes * 60_000);
      steady.advance(1_000);
      expect(await other.spool.claim(mailbox('bob'))).toEqual([]);
      expect(await other.spool.claim(mailbox('dave'))).toHaveLength(1);
      expect(await other.spool.claim(mailbox('carol'))).toEqual([]);
      if (held) await one.spool.settle(held.lease, { kind: 'ack' });
      steady.advance(59_000);
      expect(await other.spool.claim(mailbox('carol'))).toHaveLength(1);
      for (const { spool, db } of [one, other]) {
        await spool.close();
        await db.close();
      }
      folder.remove();
    },
  );

  it('[SPL-03] without a clock of their own, all openings of a file go by one that follows the machine', async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'coordination.db');
    const [one, other] = [new Database(path), new Database(path)];
    expect(Math.abs(one.steady.now() - other.steady.now())).toBeLessThan(1_000);
    expect(Math.abs(one.steady.now() - Date.now())).toBeLessThan(60_000);
    await one.close();
    await other.close();
    folder.remove();
  });

  it('[SPL-06] a disk that fills up in the middle of a change is told as such, and nothing is half done', async () => {
    await using t = openTestSpool();
    await t.spool.send([draft('bob')]);
    const pages = t.db.prepare<{ page_count: number }>('PRAGMA page_count').get()?.page_count ?? 0;
    t.db.prepare(`PRAGMA max_page_count = ${pages + 8}`).get();
    const [small, large] = [draft('bob'), draft('bob', { body: 'x'.repeat(200_000) })];
    let writes = 0;
    await expect(t.spool.send([large], [() => void writes++])).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(t.spool.message(large.id)).toBeNull();
    expect((await t.spool.send([small], [() => void writes++]))[0]?.duplicate).toBe(false);
    t.db.prepare('PRAGMA max_page_count = 1000000').get();
    expect((await t.spool.send([large]))[0]?.duplicate).toBe(false);
  });

  it('[SPL-06] a database that another writer holds is waited for, and no call fails', async () => {
    await using t = openTestSpool();
    const other = openSpoolAt(t.path, t.clock);
    other.db.prepare('BEGIN IMMEDIATE').run();
    const sending = t.spool.send([draft('bob')]);
    await new Promise((resolve) => setImmediate(resolve));
    other.db.prepare('COMMIT').run();
    expect((await sending)[0]?.duplicate).toBe(false);
    expect((await t.spool.send([draft('bob')]))[0]?.duplicate).toBe(false);
    await other.spool.close();
    await other.db.close();
  });
});
