import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSpoolAt, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import { SqliteAuditLog } from './audit-log.ts';

const open = (t: SpoolFixture, db = t.db): SqliteAuditLog => new SqliteAuditLog(db, { clock: t.clock });

async function withEntries(t: SpoolFixture, count: number): Promise<SqliteAuditLog> {
  const log = open(t);
  for (let n = 1; n <= count; n++) {
    t.clock.advance(1_000);
    await log.record({ kind: 'gate.dropped', actor: `person-${n}`, message: `msg-${n}`, detail: 'blocked' });
  }
  return log;
}

describe('the audit log', () => {
  it('[SEC-03] keeps entries in order and gives the newest, newest last', async () => {
    await using t = openTestSpool();
    const log = await withEntries(t, 5);
    await log.record({ kind: 'command.denied', actor: 'somebody' });
    expect(log.verify()).toBeNull();
    expect(log.tail(2).map(({ seq, actor }) => [seq, actor])).toEqual([
      [5, 'person-5'],
      [6, 'somebody'],
    ]);
    expect(log.tail(1)[0]).not.toHaveProperty('detail');
  });

  it.each([
    ['kind', "'x'"],
    ['actor', "'x'"],
    ['message', 'NULL'],
    ['detail', "'x'"],
    ['at', 'at + 1'],
    ['hash', "replace(hash, substr(hash, 1, 1), 'x')"],
  ])('[SEC-03] finds any row whose %s was changed', async (column, value) => {
    await using t = openTestSpool();
    const log = await withEntries(t, 6);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), async (seq) => {
        const before = t.db.prepare<{ was: string }>(`SELECT ${column} AS was FROM audit WHERE seq = ?`).get(seq);
        await t.db.write(() => t.db.prepare(`UPDATE audit SET ${column} = ${value} WHERE seq = ?`).run(seq));
        expect(log.verify()?.seq).toBe(seq);
        await t.db.write(() => t.db.prepare(`UPDATE audit SET ${column} = ? WHERE seq = ?`).run(before?.was, seq));
        expect(log.verify()).toBeNull();
      }),
      { numRuns: 6 },
    );
  });

  it.each([1, 2, 5])('[SEC-03] finds that row %d was taken out, also when those behind it move up', async (seq) => {
    await using t = openTestSpool();
    const log = await withEntries(t, 6);
    await t.db.write(() => t.db.prepare('DELETE FROM audit WHERE seq = ?').run(seq));
    expect(log.verify()?.seq).toBe(seq + 1);
    for (let later = seq + 1; later <= 6; later++)
      await t.db.write(() => t.db.prepare('UPDATE audit SET seq = ? WHERE seq = ?').run(later - 1, later));
    expect(log.verify()?.seq).toBe(seq);
  });

  it('[SEC-03] finds that two rows have changed places', async () => {
    await using t = openTestSpool();
    const log = await withEntries(t, 6);
    for (const [from, to] of [
      [2, 99],
      [3, 2],
      [99, 3],
    ])
      await t.db.write(() => t.db.prepare('UPDATE audit SET seq = ? WHERE seq = ?').run(to, from));
    expect(log.verify()?.seq).toBe(2);
  });

  it('[SEC-03] the entries of two processes that write at the same time are one chain', async () => {
    await using t = openTestSpool();
    const other = openSpoolAt(t.path, t.clock);
    const logs = [open(t), open(t, other.db)];
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => logs[n % 2]?.record({ kind: 'gate.dropped', actor: `person-${n}` })),
    );
    expect(logs.map((log) => [log.verify(), log.tail(99).length])).toEqual([
      [null, 20],
      [null, 20],
    ]);
    await other.spool.close();
    await other.db.close();
  });
});
