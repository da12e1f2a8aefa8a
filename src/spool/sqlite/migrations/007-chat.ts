import type { Migration } from '../migrations.ts';

/** What chats bring besides messages: see src/store. */
export const migration: Migration = {
  version: 7,
  name: 'chat',
  breaking: false,
  sql: `
    CREATE TABLE envelope_part (
      recipient TEXT NOT NULL,
      sender TEXT NOT NULL,
      id TEXT NOT NULL,
      part INTEGER NOT NULL,
      parts INTEGER NOT NULL,
      text TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (recipient, sender, id, part)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX envelope_part_age ON envelope_part (at);

    CREATE TABLE whatsapp_inbound (
      account TEXT NOT NULL,
      chat TEXT NOT NULL,
      at INTEGER NOT NULL,
      message TEXT NOT NULL,
      phone TEXT,
      PRIMARY KEY (account, chat)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX whatsapp_inbound_age ON whatsapp_inbound (at);

    CREATE TABLE whatsapp_piece (
      id TEXT PRIMARY KEY,
      departure TEXT NOT NULL,
      asked_at INTEGER NOT NULL,
      message TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX whatsapp_piece_message ON whatsapp_piece (message) WHERE message IS NOT NULL;
    CREATE INDEX whatsapp_piece_age ON whatsapp_piece (asked_at);
  `,
};
