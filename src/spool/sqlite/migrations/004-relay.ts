import type { Migration } from '../migrations.ts';

/** What the HTTP relay remembers: see src/store. */
export const migration: Migration = {
  version: 4,
  name: 'relay',
  breaking: false,
  sql: `
    CREATE TABLE relay_nonce (
      agent TEXT NOT NULL,
      nonce TEXT NOT NULL,
      forget_after INTEGER NOT NULL,
      PRIMARY KEY (agent, nonce)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX relay_nonce_age ON relay_nonce (forget_after);

    CREATE TABLE relay_secret (
      seq INTEGER PRIMARY KEY,
      agent TEXT NOT NULL,
      secret TEXT NOT NULL,
      made_at INTEGER NOT NULL,
      ends_at INTEGER
    ) STRICT;
    CREATE INDEX relay_secret_agent ON relay_secret (agent, seq);
  `,
};
