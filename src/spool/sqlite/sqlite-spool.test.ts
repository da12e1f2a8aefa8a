import { describe, expect, it } from 'vitest';
import { spoolContract } from '../../../test/contract/spool.ts';
import { draft, mailbox, openSpoolAt, openTestSpool } from '../../../test/support/spool.ts';
import { DEAD_LETTERS } from './batch.ts';

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
      reason: 'hopeless',
    });
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
