import type { Migration } from '../migrations.ts';

/** What linked WhatsApp devices remember: see src/store/whatsapp-session.ts. */
export const migration: Migration = {
  version: 5,
  name: 'whatsapp',
  breaking: false,
  sql: `
    CREATE TABLE whatsapp_key (
      account TEXT NOT NULL,
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (account, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE whatsapp_person (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      lid TEXT UNIQUE,
      phone TEXT UNIQUE
    ) STRICT;

    CREATE TABLE whatsapp_received (
      id TEXT PRIMARY KEY,
      jid TEXT NOT NULL,
      participant TEXT,
      stanza TEXT NOT NULL,
      quote TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX whatsapp_received_age ON whatsapp_received (at);

    CREATE TABLE whatsapp_sent (
      account TEXT NOT NULL,
      stanza TEXT NOT NULL,
      jid TEXT NOT NULL,
      content BLOB NOT NULL,
      acked INTEGER NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (account, stanza)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX whatsapp_sent_age ON whatsapp_sent (at);

    CREATE TABLE whatsapp_owner (
      account TEXT PRIMARY KEY,
      holder TEXT NOT NULL,
      until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
};
