import type { Migration } from '../migrations.ts';

/** Whoever reacts to a message on WhatsApp names it by WhatsApp's id: see src/channels/whatsapp/baileys/arrival.ts. */
export const migration: Migration = {
  version: 9,
  name: 'sent-departure',
  breaking: false,
  sql: 'ALTER TABLE whatsapp_sent ADD COLUMN departure TEXT;',
};
