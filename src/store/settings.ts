import type { Database } from '../spool/sqlite/database.ts';

/** Returns the setting of this name, making it with `make` when it is not there; of two processes that start together, one makes it. */
export function keepSetting(db: Database, name: string, make: () => string): Promise<string> {
  return db.write(() => {
    db.prepare('INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING').run(name, make());
    const row = db.prepare<{ value: string }>('SELECT value FROM setting WHERE name = ?').get(name);
    if (!row) throw new Error(`the setting ${name} has gone`);
    return row.value;
  });
}
