import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/spool.ts';
import { Database } from './database.ts';

function withFile(test: (path: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const folder = temporaryFolder();
    try {
      await test(join(folder.path, 'coordination.db'));
    } finally {
      folder.remove();
    }
  };
}

/** Changes a database as another program would, in SQLite's oldest journal mode. */
function edit(path: string, sql: string): Buffer {
  const sqlite = new Sqlite(path);
  sqlite.pragma('journal_mode = DELETE');
  sqlite.exec(sql);
  sqlite.close();
  return readFileSync(path);
}

describe('opening a database', () => {
  it(
    '[SPL-07] of another program is refused, and the file is left as it is',
    withFile((path) => {
      const before = edit(path, 'CREATE TABLE diary (entry TEXT)');
      expect(() => new Database(path)).toThrow(expect.objectContaining({ code: 'DATABASE_FOREIGN' }));
      expect(readFileSync(path).equals(before)).toBe(true);
    }),
  );

  it(
    '[SPL-07] of a newer Parley is refused, and the file is left as it is',
    withFile(async (path) => {
      await new Database(path).close();
      const before = edit(path, "INSERT INTO schema_migration VALUES (999, 'future', 1, 0)");
      expect(() => new Database(path)).toThrow(expect.objectContaining({ code: 'DATABASE_NEWER' }));
      expect(readFileSync(path).equals(before)).toBe(true);
    }),
  );

  it(
    '[SPL-07] of a newer Parley whose changes break nothing is used',
    withFile(async (path) => {
      await new Database(path).close();
      edit(path, "INSERT INTO schema_migration VALUES (999, 'future', 0, 0)");
      const db = new Database(path);
      expect(db.checkIntegrity()).toBe('ok');
      await db.close();
    }),
  );

  it(
    '[SPL-06] commits before it closes, and refuses what comes later',
    withFile(async (path) => {
      const db = new Database(path);
      const writing = db.write(() => db.prepare("INSERT INTO setting VALUES ('a', 'b')").run().changes);
      await db.close();
      expect(await writing).toBe(1);
      await expect(db.write(() => 1)).rejects.toMatchObject({ code: 'SPOOL_CLOSED' });
    }),
  );
});
