import type { Database } from 'better-sqlite3';
import { ParleyError } from '../../domain/errors.ts';
import { migration as spool } from './migrations/001-spool.ts';
import { migration as stores } from './migrations/002-stores.ts';
import { migration as search } from './migrations/003-search.ts';
import { migration as relay } from './migrations/004-relay.ts';
import { migration as whatsapp } from './migrations/005-whatsapp.ts';
import { migration as teams } from './migrations/006-teams.ts';
import { migration as chat } from './migrations/007-chat.ts';
import { migration as approvals } from './migrations/008-approvals.ts';
import { migration as sentDeparture } from './migrations/009-sent-departure.ts';
import { migration as whatsappName } from './migrations/010-whatsapp-name.ts';
import { migration as personName } from './migrations/011-person-name.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  /** An older Parley cannot work with the result. */
  readonly breaking: boolean;
  readonly sql: string;
}

/** In order; one that has shipped never changes. */
const MIGRATIONS: readonly Migration[] = [
  spool,
  stores,
  search,
  relay,
  whatsapp,
  teams,
  chat,
  approvals,
  sentDeparture,
  whatsappName,
  personName,
];

const NEWEST = Math.max(...MIGRATIONS.map((migration) => migration.version));

/** What SQLite keeps in the header of a file to say whose it is (PRAGMA application_id): "Prly". */
const APPLICATION_ID = 0x50726c79;

/**
 * Reads whose database this is, before anything is written to it. Throws DATABASE_FOREIGN when it belongs to another program, and
 * DATABASE_NEWER on a schema that this version cannot use.
 */
export function checkOwner(sqlite: Database): void {
  // One transaction, one moment: another process may be in the middle of making the file.
  sqlite.transaction(() => checkOwnerNow(sqlite)).deferred();
}

function checkOwnerNow(sqlite: Database): void {
  const owner = sqlite.pragma('application_id', { simple: true });
  const tables = sqlite.prepare<[], { n: number }>('SELECT count(*) AS n FROM sqlite_schema').get()?.n ?? 0;
  if (tables === 0) return;
  if (owner !== APPLICATION_ID) {
    throw new ParleyError('DATABASE_FOREIGN', `The database ${sqlite.name} belongs to another program.`);
  }
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
}

/**
 * Brings the schema up to date. Each migration is one transaction that records itself first, so of two processes that start
 * together one waits for the other and then finds it done.
 */
export function migrate(sqlite: Database, now: number): void {
  const begin = sqlite.transaction(() => {
    sqlite.pragma(`application_id = ${APPLICATION_ID}`);
    sqlite.exec(`CREATE TABLE IF NOT EXISTS schema_migration (
      version INTEGER PRIMARY KEY, name TEXT NOT NULL, breaking INTEGER NOT NULL, applied_at INTEGER NOT NULL) STRICT`);
  });
  begin.immediate();
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
