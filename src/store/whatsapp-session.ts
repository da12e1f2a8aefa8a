import type {
  KeyWrites,
  Person,
  ReceivedMessage,
  SentMessage,
  WhatsAppSessions,
} from '../channels/whatsapp/baileys/sessions.ts';
import type { Write } from '../domain/write.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { applyWrites, type Database, databaseOf } from '../spool/sqlite/database.ts';

/** WhatsApp's server keeps a message for a device that is away for weeks; nobody asks for one again after that. */
const RECEIVED_KEPT_MS = 60 * 24 * 3_600_000;
/** How long a recipient may take to say that it could not decrypt a message. */
const SENT_KEPT_MS = 7 * 24 * 3_600_000;

/** How many old rows each new one clears away: more than one, so that a table shrinks again after a rush. */
const FORGET_AT_ONCE = 2;

interface SentRow {
  readonly jid: string;
  readonly departure: string | null;
  readonly content: Uint8Array;
  readonly acked: number;
}

/** What linked WhatsApp devices remember, in the database, whose file only its owner may read. */
export class SqliteWhatsAppSessions implements WhatsAppSessions {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#db = db;
    this.#clock = clock;
  }

  keys(account: string, names: readonly string[]): ReadonlyMap<string, string> {
    const one = this.#db.prepare<{ value: string }>('SELECT value FROM whatsapp_key WHERE account = +? AND name = +?');
    const found = new Map<string, string>();
    for (const name of names) {
      const row = one.get(account, name);
      if (row) found.set(name, row.value);
    }
    return found;
  }

  putKeys(account: string, keys: KeyWrites): Write {
    return (tx) => {
      const db = databaseOf(tx);
      const put = db.prepare(
        'INSERT INTO whatsapp_key (account, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
      );
      const remove = db.prepare('DELETE FROM whatsapp_key WHERE account = ? AND name = ?');
      for (const [name, value] of keys) {
        if (value === null) remove.run(account, name);
        else put.run(account, name, value);
      }
    };
  }

  forget(account: string): Write {
    return (tx) => databaseOf(tx).prepare('DELETE FROM whatsapp_key WHERE account = ?').run(account);
  }

  person(lid: string | null, phone: string | null): Person | null {
    return findPerson(this.#db, lid, phone);
  }

  putPerson({ id, lid, phone, name }: Person): Write {
    return (tx) => {
      const db = databaseOf(tx);
      // A number belongs to who has it now.
      db.prepare('UPDATE whatsapp_person SET phone = NULL WHERE phone = ? AND lid <> ?').run(phone, lid);
      const known = findPerson(db, lid, phone)?.id ?? id;
      // Who was seen twice, once by each id, is one.
      db.prepare('DELETE FROM whatsapp_person WHERE id <> ? AND (lid = ? OR phone = ?)').run(known, lid, phone);
      db.prepare(
        `INSERT INTO whatsapp_person (id, lid, phone, name) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET lid = coalesce(excluded.lid, lid), phone = coalesce(excluded.phone, phone),
           name = coalesce(excluded.name, name)`,
      ).run(known, lid, phone, name);
    };
  }

  received(id: string): ReceivedMessage | null {
    return (
      this.#db
        .prepare<ReceivedMessage>('SELECT id, jid, participant, stanza, quote FROM whatsapp_received WHERE id = +?')
        .get(id) ?? null
    );
  }

  putReceived({ id, jid, participant, stanza, quote }: ReceivedMessage): Write {
    return (tx) => {
      const db = databaseOf(tx);
      const now = this.#clock.now();
      db.prepare(
        `DELETE FROM whatsapp_received WHERE id IN
           (SELECT id FROM whatsapp_received WHERE at < +? ORDER BY at LIMIT ${FORGET_AT_ONCE})`,
      ).run(now - RECEIVED_KEPT_MS);
      db.prepare(
        `INSERT INTO whatsapp_received (id, jid, participant, stanza, quote, at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
      ).run(id, jid, participant, stanza, quote, now);
    };
  }

  sent(account: string, stanza: string): SentMessage | null {
    const row = this.#db
      .prepare<SentRow>('SELECT jid, departure, content, acked FROM whatsapp_sent WHERE account = +? AND stanza = +?')
      .get(account, stanza);
    return row ? { account, stanza, ...row, acked: row.acked === 1 } : null;
  }

  putSent({ account, stanza, jid, departure, content }: Omit<SentMessage, 'acked'>): Write {
    return (tx) => {
      const db = databaseOf(tx);
      const now = this.#clock.now();
      db.prepare(
        `DELETE FROM whatsapp_sent WHERE (account, stanza) IN
           (SELECT account, stanza FROM whatsapp_sent WHERE at < +? ORDER BY at LIMIT ${FORGET_AT_ONCE})`,
      ).run(now - SENT_KEPT_MS);
      db.prepare(
        `INSERT INTO whatsapp_sent (account, stanza, jid, departure, content, acked, at) VALUES (?, ?, ?, ?, ?, 0, ?)
         ON CONFLICT DO NOTHING`,
      ).run(account, stanza, jid, departure, content, now);
    };
  }

  ackSent(account: string, stanza: string): Write {
    return (tx) =>
      databaseOf(tx)
        .prepare('UPDATE whatsapp_sent SET acked = 1 WHERE account = ? AND stanza = ?')
        .run(account, stanza);
  }

  own(account: string, holder: string, ttlMs: number, gone: (holder: string) => boolean): Promise<string> {
    return this.#db.write(() => {
      const now = this.#db.steady.now();
      const owner = this.#db
        .prepare<{ holder: string; until: number }>('SELECT holder, until FROM whatsapp_owner WHERE account = ?')
        .get(account);
      if (owner && owner.holder !== holder && owner.until > now && !gone(owner.holder)) return owner.holder;
      this.#db
        .prepare(
          `INSERT INTO whatsapp_owner (account, holder, until) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET holder = excluded.holder, until = excluded.until`,
        )
        .run(account, holder, now + ttlMs);
      return holder;
    });
  }

  async disown(account: string, holder: string): Promise<void> {
    await this.#db.write(() => {
      this.#db.prepare('DELETE FROM whatsapp_owner WHERE account = ? AND holder = ?').run(account, holder);
    });
  }

  commit(writes: readonly Write[], { durable = true }: { readonly durable?: boolean } = {}): Promise<void> {
    return this.#db.write((tx) => applyWrites(tx, writes), { durable });
  }
}

function findPerson(db: Database, lid: string | null, phone: string | null): Person | null {
  const found = db
    .prepare<Person>(
      `SELECT id, lid, phone, name FROM whatsapp_person WHERE lid = ? OR phone = ? OR id = ?
       ORDER BY coalesce(lid = ?, 0) + coalesce(phone = ?, 0) = 0, seq`,
    )
    .all(lid, phone, phone, lid, phone)
    // With another hidden id, it is somebody else who had the number before.
    .filter((person) => lid === null || person.lid === null || person.lid === lid);
  return found[0] ?? null;
}
