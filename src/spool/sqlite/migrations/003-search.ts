import type { Migration } from '../migrations.ts';

/*
 * The full-text index has no copy of the texts: it reads them through the view, which also decides what may be found. What was
 * sealed for its reader is not in it, and neither is an envelope that does not say whether it is sealed. Sending does not touch the
 * index: it is brought up to date when somebody searches (see ../search.ts).
 */
export const migration: Migration = {
  version: 3,
  name: 'search',
  breaking: true,
  sql: `
    CREATE VIEW searchable_message AS
      SELECT seq, subject, body FROM message
      WHERE payload_type NOT IN ('envelope', 'dead-letter') OR (payload_type = 'envelope' AND payload ->> '$.sealed' = 0);
    CREATE VIRTUAL TABLE message_search USING fts5 (
      subject, body, content = 'searchable_message', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2'
    );
    CREATE TABLE search_progress (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      indexed_to INTEGER NOT NULL
    ) STRICT;
    INSERT INTO search_progress (id, indexed_to) VALUES (1, 0);

    CREATE INDEX message_notice ON message (seq) WHERE payload_type = 'dead-letter';
    CREATE INDEX delivery_expired ON delivery (seq) WHERE state = 7;
  `,
};
