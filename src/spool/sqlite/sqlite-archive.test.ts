import { describe, expect, it } from 'vitest';
import { draft, mailbox, openTestSpool } from '../../../test/support/spool.ts';
import { conversationId } from '../../domain/addresses.ts';
import { SqliteArchive } from './sqlite-archive.ts';

const open = () => {
  const t = openTestSpool();
  return { t, archive: new SqliteArchive(t.db) };
};

describe('the archive', () => {
  it('[CNV-02] lists conversations, the most recent first', async () => {
    const { t, archive } = open();
    await using _ = t;
    const [one, two] = [conversationId('conv_1'), conversationId('conv_2')];
    await t.spool.send([draft('bob', { conversation: one, subject: 'Start', from: mailbox('alice') })]);
    await t.spool.send([draft('carol', { conversation: two })]);
    t.clock.advance(1_000);
    await t.spool.send([draft('alice', { conversation: one, subject: 'Re: Start', from: mailbox('bob') })]);
    const summary = {
      id: one,
      messages: 2,
      participants: [mailbox('alice'), mailbox('bob')],
      firstAt: t.clock.now() - 1_000,
      lastAt: t.clock.now(),
      lastSubject: 'Re: Start',
    };
    expect(archive.conversations({ limit: 1 })).toEqual([summary]);
    expect(archive.conversations({ limit: 5 }).map(({ id }) => id)).toEqual([one, two]);
    expect(archive.conversations({ limit: 5, participant: mailbox('carol') }).map(({ id }) => id)).toEqual([two]);
    expect(archive.conversation(one).map(({ message }) => message.subject)).toEqual(['Start', 'Re: Start']);
  });

  it('[SPL-08] counts every state as the table has it, without the notices of dead letters', async () => {
    const { t, archive } = open();
    await using _ = t;
    const ordered = { deliveries: [{ to: mailbox('bob'), orderingKey: 'k' }] };
    await t.spool.send([draft('bob', ordered), draft('bob', ordered), draft('carol'), draft('dave', { ttlMs: 1 })]);
    await t.spool.send([draft('eve'), draft('frank', { deliverAt: t.clock.now() + 5_000 })]);
    await t.spool.claim(mailbox('bob'));
    const [carols] = await t.spool.claim(mailbox('carol'));
    const [eves] = await t.spool.claim(mailbox('eve'));
    t.clock.advance(5);
    await t.spool.cleanup(0);
    if (carols) await t.spool.settle(carols.lease, { kind: 'ack' });
    if (eves) await t.spool.settle(eves.lease, { kind: 'term', reason: 'no' });
    expect(t.spool.stats()).toEqual({
      messages: 6,
      deliveries: { queued: 1, blocked: 1, leased: 1, acked: 1, failed: 1, expired: 1 },
    });
    expect(archive.oldestLeased()).toBe(t.clock.now() - 5);
  });

  it('[SPL-08] no table is read whole but through its narrowest index', async () => {
    const { t } = open();
    await using _ = t;
    const plan = t.db
      .prepare<{ detail: string }>(
        `EXPLAIN QUERY PLAN SELECT count(*) FROM delivery WHERE state = 0
         UNION ALL SELECT count(*) FROM delivery WHERE state IN (2, 3, 4) GROUP BY state
         UNION ALL SELECT count(*) FROM delivery WHERE state = 6 UNION ALL SELECT count(*) FROM delivery WHERE state = 7
         UNION ALL SELECT count(*) FROM message WHERE payload_type = 'dead-letter'`,
      )
      .all()
      .filter(({ detail }) => /^(?:SCAN|SEARCH)/.test(detail));
    expect(plan).toHaveLength(5);
    expect(plan.filter(({ detail }) => !/INDEX/.test(detail))).toEqual([]);
  });

  it.each([
    ['a state that there is not', 'UPDATE delivery SET state = 9', 'deliveries in no known state'],
    ['a lease without a token', 'UPDATE delivery SET state = 4', 'leases without a token'],
    ['a token without a lease', "UPDATE delivery SET token = 'x'", 'tokens of no lease'],
    ['a settled one without a time', 'UPDATE delivery SET state = 5', 'settled deliveries without a time'],
    ['a wait for nothing', 'UPDATE delivery SET state = 1', 'wait for nothing'],
    ['a wait for ever', 'INSERT INTO blocker VALUES (99, 1)', 'wait for one that is settled'],
    ['a wait for itself', 'INSERT INTO blocker SELECT seq, seq FROM delivery', 'wait for each other'],
    ['too many attempts', 'UPDATE delivery SET attempts = 9', 'too many attempts'],
    ['a message for nobody', 'DELETE FROM delivery', 'messages for nobody'],
  ])('[SPL-07] %s is found', async (_what, sql, problem) => {
    const { t, archive } = open();
    await using _ = t;
    await t.spool.send([draft('bob')]);
    expect(archive.problems()).toEqual([]);
    t.db.prepare(sql).run();
    expect(archive.problems()).toEqual([expect.stringContaining(problem)]);
  });

  it('[SPL-08] follows a delivery through its states', async () => {
    const { t, archive } = open();
    await using _ = t;
    await t.spool.send([draft('alice')]);
    const follower = archive.follow();
    const seen = (): string[] =>
      follower.look().map(({ event, to, status, attempts }) => `${event} ${to} ${status} ${attempts}`);
    expect(seen()).toEqual([]);
    await t.spool.send([draft('bob')]);
    const [delivery] = await t.spool.claim(mailbox('bob'));
    expect(seen()).toEqual(['accepted agent:bob queued 0', 'claimed agent:bob leased 1']);
    if (delivery) await t.spool.settle(delivery.lease, { kind: 'nack', reason: 'busy', delayMs: 0 });
    expect(seen()).toEqual(['settled agent:bob queued 1']);
    const [again] = await t.spool.claim(mailbox('bob'));
    if (again) await t.spool.settle(again.lease, { kind: 'term', reason: 'no' });
    expect(seen()).toEqual(['claimed agent:bob leased 2', 'settled agent:bob failed 2']);
    await t.spool.redrive(again?.lease.delivery ?? 0);
    await t.spool.claim(mailbox('bob'));
    expect(seen()).toEqual(['claimed agent:bob leased 1']);
    const [old] = await t.spool.claim(mailbox('alice'));
    if (old) await t.spool.settle(old.lease, { kind: 'ack' });
    expect(seen()).toEqual(['claimed agent:alice leased 1', 'settled agent:alice acked 1']);
    expect(seen()).toEqual([]);
  });
});
