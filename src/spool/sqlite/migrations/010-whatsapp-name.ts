import type { Migration } from '../migrations.ts';

/** What people are called on the Cloud API: see src/channels/whatsapp/cloud/identity.ts. Their numbers are here from now on, and nowhere else. */
export const migration: Migration = {
  version: 10,
  name: 'whatsapp-name',
  breaking: true,
  sql: `
    CREATE TABLE whatsapp_name (
      seq INTEGER PRIMARY KEY,
      account TEXT NOT NULL,
      person TEXT NOT NULL,
      name TEXT NOT NULL,
      UNIQUE (account, person, name)
    ) STRICT;
    CREATE INDEX whatsapp_name_holder ON whatsapp_name (account, name, seq);

    ALTER TABLE whatsapp_inbound DROP COLUMN phone;
  `,
};
