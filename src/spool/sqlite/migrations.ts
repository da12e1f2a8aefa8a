import type { Database } from 'better-sqlite3';
import { ParleyError } from '../../domain/errors.ts';
import { migration as spool } from './migrations/001-spool.ts';
import { migration as stores } from './migrations/002-stores.ts';
import { migration as search } from './migrations/003-search.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  /** An older Parley cannot work with the result. */
  readonly breaking: boolean;
  readonly sql: string;
}

/** In order; one that has shipped never changes. */
const MIGRATIONS: readonly Migration[] = [spool, stores, search];

const NEWEST = Math.max(...MIGRATIONS.map((migration) => migration.version));

/**
 * Brings the schema up to date. Each migration is one transaction that records itself first, so of two processes that start
 * together one waits for the other and then finds it done. Throws DATABASE_NEWER on a schema that this version cannot use.
 */
export function migrate(sqlite: Database, now: number): void {
  sqlite.exec(`CREATE TABLE IF NOT EXISTS schema_migration (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, breaking INTEGER NOT NULL, applied_at INTEGER NOT NULL) STRICT`);
  const newer = sqlite
    .prepare<[number], { version: number; name: string }>(
      'SELECT version, name FROM schema_migration WHERE version > ? AND breaking = 1 ORDER BY version DESC LIMIT 1',
    )
    .get(NEWEST);
  if (newer) {
    throw new ParleyError(
      'DATABASE_NEWER',
      `The database ${sqlite.name} was written by a newer Parley: its schema is at ${newer.version} (${newer.name}), this version knows ${NEWEST}.`,
    );
  }
  const claim = sqlite.prepare<[number, string, number, number]>(
    'INSERT INTO schema_migration (version, name, breaking, applied_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  for (const { version, name, breaking, sql } of MIGRATIONS) {
    const apply = sqlite.transaction(() => {
      if (claim.run(version, name, Number(breaking), now).changes > 0) sqlite.exec(sql);
    });
    apply.immediate();
  }
}
