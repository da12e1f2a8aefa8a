import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import fastify, { type FastifyInstance } from 'fastify';

interface Row {
  readonly seq: number;
  readonly body: string;
}

/** The least that does the same over HTTP: one route, one row, one transaction for each request. It knows nobody and checks nothing. */
export function bareServer(folder: string): FastifyInstance {
  const sqlite = new Sqlite(join(folder, 'bare.db'));
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('synchronous = FULL');
  sqlite.exec(`
    CREATE TABLE message (seq INTEGER PRIMARY KEY, recipient TEXT NOT NULL, leased INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL);
    CREATE INDEX message_ready ON message (recipient, seq) WHERE leased = 0;
  `);
  const insert = sqlite.prepare<[string, string]>('INSERT INTO message (recipient, body) VALUES (?, ?)');
  const lease = sqlite.prepare<[string], Row>(
    `UPDATE message SET leased = 1
     WHERE seq = (SELECT seq FROM message WHERE recipient = ? AND leased = 0 ORDER BY seq LIMIT 1) RETURNING seq, body`,
  );
  const remove = sqlite.prepare<[number]>('DELETE FROM message WHERE seq = ?');
  const app = fastify({ logger: false });
  app.post<{ Body: { to: string } }>('/api/v1/send', ({ body }) => {
    const { lastInsertRowid } = insert.run(body.to, JSON.stringify(body));
    return { message_id: Number(lastInsertRowid) };
  });
  app.get<{ Params: { agent: string } }>('/api/v1/poll/:agent', ({ params }) => ({
    messages: lease.all(params.agent).map(({ seq, body }) => ({ id: seq, message: JSON.parse(body) as unknown })),
  }));
  app.post<{ Body: { message_id: number } }>('/api/v1/ack', ({ body }) => ({
    acked: remove.run(body.message_id).changes,
  }));
  app.addHook('onClose', async () => void sqlite.close());
  return app;
}
