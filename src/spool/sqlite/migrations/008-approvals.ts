import type { Migration } from '../migrations.ts';

/** The calls of tools that wait for a person: see src/store/approvals.ts. */
export const migration: Migration = {
  version: 8,
  name: 'approvals',
  breaking: false,
  sql: `
    CREATE TABLE approval (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      status TEXT NOT NULL,
      data TEXT NOT NULL,
      changed_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX approval_waiting ON approval (number) WHERE status = 'waiting';

    CREATE TABLE approval_number (last INTEGER NOT NULL) STRICT;
    INSERT INTO approval_number (last) VALUES (0);
  `,
};
