import type { Migration } from '../migrations.ts';

/*
 * Only claimable rows are in the index that claims use, so a claim costs the same beside a million settled or delayed
 * deliveries; likewise for what is due, and for what is in an order. States are those of ../states.ts.
 */
export const migration: Migration = {
  version: 1,
  name: 'spool',
  breaking: true,
  sql: `
    CREATE TABLE message (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      sender TEXT NOT NULL,
      conversation TEXT NOT NULL,
      reply_to TEXT,
      subject TEXT NOT NULL,
      body TEXT NOT NULL,
      payload_type TEXT NOT NULL,
      payload TEXT NOT NULL,
      metadata TEXT,
      priority INTEGER NOT NULL,
      root TEXT NOT NULL,
      trace TEXT NOT NULL,
      accepted_at INTEGER NOT NULL,
      expires_at INTEGER
    ) STRICT;
    CREATE INDEX message_conversation ON message (conversation, seq);
    CREATE INDEX message_root ON message (root, seq) WHERE root <> id;

    CREATE TABLE delivery (
      seq INTEGER PRIMARY KEY,
      message INTEGER NOT NULL REFERENCES message (seq),
      recipient TEXT NOT NULL,
      ordering_key TEXT,
      priority INTEGER NOT NULL,
      state INTEGER NOT NULL,
      attempts INTEGER NOT NULL,
      max_attempts INTEGER NOT NULL,
      due_at INTEGER,
      expires_at INTEGER,
      token TEXT,
      reason TEXT,
      settled_at INTEGER
    ) STRICT;
    CREATE INDEX delivery_message ON delivery (message);
    CREATE INDEX delivery_ready ON delivery (recipient, priority, seq) WHERE state = 0;
    CREATE INDEX delivery_due ON delivery (due_at) WHERE state IN (2, 3, 4);
    CREATE INDEX delivery_order ON delivery (recipient, ordering_key, seq)
      WHERE ordering_key IS NOT NULL AND state IN (0, 1, 3, 4);
    CREATE INDEX delivery_failed ON delivery (recipient, seq) WHERE state = 6;

    CREATE TABLE blocker (
      waits_for INTEGER NOT NULL,
      delivery INTEGER NOT NULL,
      PRIMARY KEY (waits_for, delivery)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX blocker_delivery ON blocker (delivery);

    CREATE VIEW messages AS
      SELECT m.id,
        CASE WHEN m.sender LIKE 'agent:%' THEN substr(m.sender, 7) ELSE m.sender END AS from_agent,
        CASE WHEN d.recipient LIKE 'agent:%' THEN substr(d.recipient, 7) ELSE d.recipient END AS to_agent,
        CASE d.state WHEN 1 THEN 'blocked' WHEN 4 THEN 'leased' WHEN 5 THEN 'acked' WHEN 6 THEN 'failed' WHEN 7 THEN 'expired'
          ELSE 'queued' END AS status,
        m.subject, m.payload_type, m.conversation AS conversation_id, m.reply_to, m.priority, d.attempts, m.accepted_at
      FROM message m JOIN delivery d ON d.message = m.seq;
  `,
};
