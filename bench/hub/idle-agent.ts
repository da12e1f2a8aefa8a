import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

const TEXT = 0x1;
const PONG = 0xa;
/** More often than the hub asks. */
const SIGN_OF_LIFE_MS = 25_000;

/**
 * An agent that registers and from then on only shows that it lives. What it is sent it does not look at, so that ten thousand of
 * these leave the processor to the server.
 */
export async function joinIdle(url: URL, localAddress: string, registration: object): Promise<void> {
  const socket = connect({ host: url.hostname, port: Number(url.port), localAddress });
  await once(socket, 'connect');
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  await expect(socket, '101 Switching Protocols');
  socket.write(frame(TEXT, JSON.stringify(registration)));
  await expect(socket, '"registered"');
  socket.resume();
  const timer = setInterval(() => socket.write(frame(PONG, '')), SIGN_OF_LIFE_MS);
  socket.once('close', () => clearInterval(timer));
}

async function expect(socket: ReturnType<typeof connect>, text: string): Promise<void> {
  const [bytes] = await once(socket, 'data');
  if (!String(bytes).includes(text)) throw new Error(`the server refused a connection: ${String(bytes)}`);
}

/** RFC 6455, section 5.2, for payloads of less than 64 KiB; the mask is zero, so that the payload stands there as it is. */
function frame(opcode: number, payload: string): Buffer {
  const bytes = Buffer.from(payload);
  const length = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 255];
  const [first = 0, ...rest] = length;
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | first, ...rest, 0, 0, 0, 0]), bytes]);
}
