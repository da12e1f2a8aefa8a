import type { Migration } from '../migrations.ts';

/** Whoever is mentioned on WhatsApp is named by an id that says nothing to a model: see src/channels/whatsapp/baileys/names.ts. */
export const migration: Migration = {
  version: 11,
  name: 'person-name',
  breaking: false,
  sql: 'ALTER TABLE whatsapp_person ADD COLUMN name TEXT;',
};
