import { describe, expect, it } from 'vitest';
import { openSpoolAt, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import { agentId } from '../domain/addresses.ts';
import type { SessionEntry } from '../domain/session.ts';
import { applyWrites } from '../spool/sqlite/database.ts';
import { SqliteSessions } from './sessions.ts';
import { keepSetting } from './settings.ts';

const ATLAS = agentId('atlas');
const entry = (id: string, at = 0): SessionEntry => ({ id, role: 'user', speaker: 'Ann', text: `text of ${id}`, at });

const append = (t: SpoolFixture, key: string, ...entries: SessionEntry[]): Promise<void> =>
  t.db.write((tx) => applyWrites(tx, [new SqliteSessions(t.db).append(ATLAS, key, entries)]));
const ids = (t: SpoolFixture, key: string, limit = 99): readonly string[] =>
  new SqliteSessions(t.db).recent(key, limit).map(({ id }) => id);

describe('sessions', () => {
  it('[CNV-01] the newest entries come oldest first, each session by itself', async () => {
    await using t = openTestSpool();
    await append(t, 'a', entry('1'), entry('2'), entry('3'));
    await append(t, 'b', entry('1'));
    expect(ids(t, 'a', 2)).toEqual(['2', '3']);
    expect(ids(t, 'b')).toEqual(['1']);
    expect(ids(t, 'c')).toEqual([]);
  });

  it('[CNV-01] an entry that is written again is the same line', async () => {
    await using t = openTestSpool();
    await append(t, 'a', entry('1'), entry('2'));
    await append(t, 'a', { ...entry('1'), text: 'again' }, entry('3'));
    expect(ids(t, 'a')).toEqual(['1', '2', '3']);
    expect(new SqliteSessions(t.db).recent('a', 9)[0]?.text).toBe('text of 1');
  });

  it('[CNV-01] sessions that have been idle are forgotten, and only those', async () => {
    await using t = openTestSpool();
    await append(t, 'idle', entry('1', 100), entry('2', 199));
    await append(t, 'busy', entry('1', 100), entry('2', 200));
    expect(await new SqliteSessions(t.db).purge(200)).toBe(1);
    expect([ids(t, 'idle'), ids(t, 'busy')]).toEqual([[], ['1', '2']]);
  });

  it('[CNV-01] they are there after the database was opened again', async () => {
    await using t = openTestSpool();
    await append(t, 'a', entry('1'));
    const reopened = openSpoolAt(t.path, t.clock);
    expect(new SqliteSessions(reopened.db).recent('a', 9)).toEqual([entry('1')]);
    await reopened.spool.close();
    await reopened.db.close();
  });
});

describe('settings', () => {
  it('[SPL-06] of two processes that make one at the same time, both get the same, and it is kept', async () => {
    await using t = openTestSpool();
    const other = openSpoolAt(t.path, t.clock);
    const [one, two] = await Promise.all([
      keepSetting(t.db, 'secret', () => 'made by one'),
      keepSetting(other.db, 'secret', () => 'made by two'),
    ]);
    expect(one).toBe(two);
    expect(await keepSetting(t.db, 'secret', () => 'made later')).toBe(one);
    expect(await keepSetting(t.db, 'other', () => 'another')).toBe('another');
    await other.spool.close();
    await other.db.close();
  });
});
