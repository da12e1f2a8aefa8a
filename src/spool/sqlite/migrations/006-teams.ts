import type { Migration } from '../migrations.ts';

/** The tasks that are shared out among agents: see src/store/teams.ts. */
export const migration: Migration = {
  version: 6,
  name: 'teams',
  breaking: false,
  sql: `
    CREATE TABLE team_run (
      host TEXT NOT NULL,
      id TEXT NOT NULL,
      data TEXT NOT NULL,
      changed_at INTEGER NOT NULL,
      PRIMARY KEY (host, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX team_run_idle ON team_run (changed_at);
  `,
};
