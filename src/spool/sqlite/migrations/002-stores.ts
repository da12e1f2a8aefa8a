import type { Migration } from '../migrations.ts';

/** What agents remember, who they are, and what was seen: see src/store and src/registry. */
export const migration: Migration = {
  version: 2,
  name: 'stores',
  breaking: true,
  sql: `
    CREATE TABLE agent (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      card TEXT NOT NULL,
      last_seen INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX agent_name ON agent (name COLLATE NOCASE);

    CREATE TABLE session (
      key TEXT PRIMARY KEY,
      agent TEXT NOT NULL,
      last_said_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX session_idle ON session (last_said_at);
    CREATE TABLE session_entry (
      seq INTEGER PRIMARY KEY,
      session TEXT NOT NULL,
      id TEXT NOT NULL,
      role TEXT NOT NULL,
      speaker TEXT NOT NULL,
      text TEXT NOT NULL,
      at INTEGER NOT NULL,
      UNIQUE (session, id)
    ) STRICT;
    CREATE INDEX session_entry_order ON session_entry (session, seq);

    CREATE TABLE agent_group (
      agent TEXT NOT NULL,
      id TEXT NOT NULL,
      data TEXT NOT NULL,
      version INTEGER NOT NULL,
      PRIMARY KEY (agent, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE discussion (
      host TEXT NOT NULL,
      id TEXT NOT NULL,
      data TEXT NOT NULL,
      PRIMARY KEY (host, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE seen_envelope (
      recipient TEXT NOT NULL,
      envelope TEXT NOT NULL,
      delivery INTEGER NOT NULL,
      forget_after INTEGER NOT NULL,
      PRIMARY KEY (recipient, envelope)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX seen_envelope_age ON seen_envelope (forget_after);

    CREATE TABLE audit (
      seq INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      kind TEXT NOT NULL,
      actor TEXT NOT NULL,
      message TEXT,
      detail TEXT,
      hash TEXT NOT NULL
    ) STRICT;

    CREATE TABLE chat_log (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      account TEXT NOT NULL,
      entry TEXT NOT NULL
    ) STRICT;

    CREATE TABLE machine_start (
      boot TEXT PRIMARY KEY,
      at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE setting (
      name TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
};
