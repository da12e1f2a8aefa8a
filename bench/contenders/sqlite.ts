import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { type Contender, type PullQueue, pullScenarios } from '../contender.ts';
import { type Document, documents } from '../document.ts';

type Synchronous = 'FULL' | 'NORMAL';

interface Held {
  readonly seq: number;
  readonly token: number;
  readonly body: string;
}

/** Opens a file as the spool does, but for the synchronous mode. */
function openFile(folder: string, synchronous: Synchronous): Sqlite.Database {
  const sqlite = new Sqlite(join(folder, 'loop.db'));
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('cache_size = -64000');
  sqlite.pragma(`synchronous = ${synchronous}`);
  return sqlite;
}

/** The least that is a queue: two tables, one partial index, a transaction for each call. What a careful programmer writes first. */
function loopQueue(sqlite: Sqlite.Database): PullQueue<Held> {
  sqlite.exec(`
    CREATE TABLE message (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE delivery (seq INTEGER PRIMARY KEY, state INTEGER NOT NULL, token INTEGER, due_at INTEGER);
    CREATE INDEX delivery_ready ON delivery (seq) WHERE state = 0;
  `);
  const insertMessage = sqlite.prepare<[string, string]>('INSERT INTO message (id, body) VALUES (?, ?)');
  const insertDelivery = sqlite.prepare<[number | bigint]>('INSERT INTO delivery (seq, state) VALUES (?, 0)');
  const take = sqlite.prepare<[number, number, number], { seq: number; body: string }>(
    `UPDATE delivery SET state = 1, token = ?, due_at = ? WHERE seq IN (SELECT seq FROM delivery WHERE state = 0 ORDER BY seq LIMIT ?)
     RETURNING seq, (SELECT body FROM message WHERE message.seq = delivery.seq) AS body`,
  );
  const drop = sqlite.prepare<[number, number]>('DELETE FROM delivery WHERE seq = ? AND token = ?');
  const send = sqlite.transaction((batch: readonly Document[]) => {
    for (const document of batch)
      insertDelivery.run(insertMessage.run(document.id, JSON.stringify(document)).lastInsertRowid);
  });
  const ack = sqlite.transaction((held: readonly Held[]) => {
    for (const { seq, token } of held) drop.run(seq, token);
  });
  let tokens = 0;
  return {
    send: async (batch) => send.immediate(batch),
    claim: async (limit) => {
      const token = ++tokens;
      return take.all(token, Date.now() + 60_000, limit).map((row) => ({ ...row, token }));
    },
    read: ({ body }) => JSON.parse(body) as Document,
    ack: async (held) => ack.immediate(held),
  };
}

function loop(synchronous: Synchronous): Contender {
  return {
    name: `better-sqlite3 loop, ${synchronous}`,
    durability: synchronous === 'FULL' ? 'power failure' : 'process crash',
    settings: `one transaction a call, WAL, synchronous=${synchronous}`,
    open: async (folder) => {
      const sqlite = openFile(folder, synchronous);
      return { scenarios: pullScenarios(loopQueue(sqlite), documents()), close: async () => void sqlite.close() };
    },
  };
}

export const sqliteLoops: readonly Contender[] = [loop('FULL'), loop('NORMAL')];

/** No queue at all: how often this disk and SQLite can make one small row durable. */
export const rawInsert: Contender = {
  name: 'raw insert, FULL',
  durability: 'power failure',
  settings: 'a single INSERT and nothing else, WAL, synchronous=FULL',
  open: async (folder) => {
    const sqlite = openFile(folder, 'FULL');
    sqlite.exec('CREATE TABLE document (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)');
    const insert = sqlite.prepare<[string]>('INSERT INTO document (body) VALUES (?)');
    const source = documents();
    return {
      scenarios: {
        single: async (ended) => {
          let inserts = 0;
          for (; !ended(); inserts++) insert.run(JSON.stringify(source.next().value));
          return inserts;
        },
      },
      close: async () => void sqlite.close(),
    };
  },
};
