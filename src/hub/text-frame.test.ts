import { on, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { textFrame } from './text-frame.ts';

const BYTES = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000];

describe('a WebSocket frame of text', () => {
  it('[HUB-03] is what ws reads, whatever its length', async () => {
    const texts = BYTES.map((bytes) => 'ü'.repeat(bytes / 2) + 'x'.repeat(bytes % 2));
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    server.once('connection', (_socket, { socket }) => socket.write(Buffer.concat(texts.map(textFrame))));
    await once(server, 'listening');
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const client = new WebSocket(`ws://127.0.0.1:${port}`);
    const read: string[] = [];
    for await (const [data] of on(client, 'message')) {
      if (read.push(String(data)) === texts.length) break;
    }
    expect(read).toEqual(texts);
    client.terminate();
    server.close();
  });
});
