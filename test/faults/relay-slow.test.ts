import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';

const SOCKETS = 200;

/** What slow clients begin with and never finish. */
const BEGINNINGS = {
  nothing: '',
  headers: 'GET /api/v1/health HTTP/1.1\r\nhost: relay\r\nx-slow: ',
  body: 'POST /api/v1/send HTTP/1.1\r\nhost: relay\r\ncontent-length: 1000\r\n\r\n{',
} as const;

async function begin(port: number, text: string): Promise<Socket> {
  const socket = createConnection({ host: '127.0.0.1', port });
  socket.on('error', () => undefined).resume();
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return socket;
}

describe('slow clients of a relay', () => {
  it('[REL-02] keep nobody else out, and are given up', { timeout: 90_000 }, async () => {
    const { path: folder, remove } = temporaryFolder();
    await using relay = new ParleyProcess(['relay', 'start', '--port', '0'], { folder });
    const [, url = ''] = await relay.printed(/^The relay is running: (\S+)\n/m);
    const port = Number(new URL(url).port);
    const sockets: Socket[] = [];
    for (const text of Object.values(BEGINNINGS))
      for (let n = 0; n < SOCKETS; n++) sockets.push(await begin(port, text));
    const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
    const health = async (): Promise<number> => (await fetch(new URL('api/v1/health', url))).status;
    for (let n = 0; n < 50; n++) expect(await health()).toBe(200);
    await closed;
    expect(await health()).toBe(200);
    relay.signal('SIGTERM');
    expect((await relay.ended).code).toBe(0);
    remove();
  });
});
