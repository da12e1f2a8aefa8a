import { describe, expect, it } from 'vitest';
import { openTestSpool } from '../../test/support/spool.ts';
import { agentId, conversationId, messageId } from '../domain/addresses.ts';
import type { Approval } from '../domain/approval.ts';
import { startTrace } from '../domain/trace.ts';
import { SqliteApprovals } from './approvals.ts';

function approval(number: number, changes: Partial<Approval> = {}): Approval {
  const id = messageId(`msg_${number}`);
  return {
    ...{ number, id, agent: agentId('atlas'), tool: 'bash', input: { command: 'ls' }, askedBy: 'Ann' },
    place: { channel: 'test', account: 'atlas', peer: { kind: 'dm', id: 'ann' } },
    ...{ conversation: conversationId('conv'), trace: startTrace(id, null), askedAt: 1, expiresAt: 2, notices: [] },
    ...{ status: 'waiting', decidedBy: null, why: null },
    ...changes,
  };
}

describe('the requests for approval in the database', () => {
  it('[TOL-03] are found by each of the messages that show them, also when they have ended', async () => {
    await using t = openTestSpool();
    const store = new SqliteApprovals(t.db);
    const [first, second, third] = ['msg_a', 'msg_b', 'msg_c'].map(messageId);
    if (!first || !second || !third) throw new Error('no ids');
    const all = [
      approval(1, { notices: [first, second] }),
      approval(2, { notices: [third], status: 'done' }),
      approval(3),
    ];
    await t.db.write((tx) => all.forEach((each) => void store.add(each)(tx)));
    const found = [first, second, third, messageId('msg_')].map((notice) => store.byNotice(notice)?.number);
    expect(found).toEqual([1, 1, 2, undefined]);
  });

  it('[TOL-03] are found by number, by id, and in a list', async () => {
    await using t = openTestSpool();
    const store = new SqliteApprovals(t.db);
    const [one, two] = [approval(1), approval(2, { status: 'rejected', decidedBy: 'Bob', why: 'no' })];
    await t.db.write((tx) => [two, one].forEach((each) => void store.add(each)(tx)));
    expect(store.get(2)).toEqual(two);
    expect(store.byId(one.id)).toEqual(one);
    expect(store.get(3)).toBeNull();
    expect(store.byId(messageId('msg_3'))).toBeNull();
    expect(store.list('waiting')).toEqual([one]);
    expect(store.list('all')).toEqual([one, two]);
  });

  it('[TOL-03] have numbers of their own, also for those who ask at the same time, and after they are forgotten', async () => {
    await using t = openTestSpool();
    const stores = [new SqliteApprovals(t.db, t), new SqliteApprovals(t.db, t)];
    const numbers = await Promise.all([...stores, ...stores].map((store) => store.reserve()));
    expect(numbers.toSorted()).toEqual([1, 2, 3, 4]);
    const [store] = stores;
    await t.db.write(store?.add(approval(4, { status: 'done' })) ?? (() => undefined));
    await store?.purge(t.clock.now() + 1);
    expect(store?.list('all')).toEqual([]);
    expect(await store?.reserve()).toBe(5);
  });

  it('[TOL-03] change only from the state in which they were seen', async () => {
    await using t = openTestSpool();
    const store = new SqliteApprovals(t.db);
    const approved = approval(1, { status: 'approved', decidedBy: 'Bob' });
    await t.db.write(store.add(approval(1)));
    await t.db.write(store.change(approved, 'waiting'));
    await expect(t.db.write(store.change(approval(1, { status: 'rejected' }), 'waiting'))).rejects.toThrow();
    expect(store.get(1)).toEqual(approved);
  });

  it('[TOL-03] are kept while something is still to come of them', async () => {
    await using t = openTestSpool();
    const store = new SqliteApprovals(t.db, t);
    const statuses = ['waiting', 'approved', 'rejected', 'expired', 'done'] as const;
    await t.db.write((tx) => statuses.forEach((status, at) => void store.add(approval(at, { status }))(tx)));
    await store.purge(t.clock.now());
    expect(store.list('all')).toHaveLength(5);
    await store.purge(t.clock.now() + 1);
    expect(store.list('all').map(({ status }) => status)).toEqual(['waiting', 'approved']);
  });
});
