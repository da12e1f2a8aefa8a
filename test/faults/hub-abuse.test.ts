import { execFileSync } from 'node:child_process';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { FAULT_SCALE } from '../support/fault-scale.ts';
import { askHub, HUB_TEST_SECRET, HubClient } from '../support/hub.ts';
import { HubProcess } from '../support/hub-process.ts';
import { temporaryFolder } from '../support/spool.ts';

/** Linux has all of 127.0.0.0/8 on its loopback: so the attacker is somebody else than the honest client. */
const ATTACKER = '127.0.0.2';
const SOCKETS = 300;
const MOST_GROWTH_MIB = 64;
const TIMEOUT_MS = FAULT_SCALE.attackSeconds * 1000 + 60_000;

/** Node lets garbage lie while there is room. In a heap this small is what is needed; should that be more, the hub dies of it. */
const SMALL_HEAP = '--max-old-space-size=48 --max-semi-space-size=1';

const PIECE = Buffer.alloc(64 * 1024, 'x');

/** Memory that a process has in use, in MiB. */
const memoryOf = (pid: number): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;

/** What somebody does to a hub until he is stopped; the returned function stops him. */
type Attack = (port: number) => () => void;

/** Keeps so many sockets open, whatever the other side does to them, each with `begin` done on it. */
function sockets(count: number, begin: (socket: Socket) => void): Attack {
  return (port) => {
    const open = new Set<Socket>();
    const refill = (): void => {
      while (open.size < count) {
        const socket = createConnection({ port, host: '127.0.0.1', localAddress: ATTACKER });
        open.add(socket);
        socket.on('error', () => undefined).once('close', () => open.delete(socket));
        socket.resume().once('connect', () => begin(socket));
      }
    };
    refill();
    const refilling = setInterval(refill, 100);
    return () => {
      clearInterval(refilling);
      for (const socket of open) socket.destroy();
    };
  };
}

const post = (headers: string): string => `POST /task HTTP/1.1\r\nHost: hub\r\n${headers}\r\n\r\n`;

/** Writes for as long as somebody reads. */
function flood(socket: Socket, head: string, piece: Uint8Array): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', more).write(head);
  more();
}

const drip: Attack = sockets(SOCKETS, (socket) => {
  socket.write('POST /task HTTP/1.1\r\n');
  const dripping = setInterval(() => socket.write('X'), 200);
  socket.once('close', () => clearInterval(dripping));
});

const fatBodies: Attack = sockets(50, (socket) =>
  flood(socket, post('Content-Type: application/json\r\nContent-Length: 1000000000'), PIECE),
);

const endlessBodies: Attack = sockets(20, (socket) => {
  const headers = `Authorization: Bearer ${HUB_TEST_SECRET}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked`;
  flood(socket, post(headers), Buffer.from(`10000\r\n${PIECE.toString()}\r\n`));
});

/** WebSockets on which `begin` is done. */
function webSockets(count: number, begin: (socket: WebSocket) => void): Attack {
  return (port) => {
    const open = new Set<WebSocket>();
    const refill = (): void => {
      while (open.size < count) {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { localAddress: ATTACKER, perMessageDeflate: false });
        open.add(socket);
        socket.on('error', () => undefined).once('close', () => open.delete(socket));
        socket.once('open', () => begin(socket));
      }
    };
    refill();
    const refilling = setInterval(refill, 100);
    return () => {
      clearInterval(refilling);
      for (const socket of open) socket.terminate();
    };
  };
}

/** Each piece is a fragment of a message that does not end. */
function fragments(socket: WebSocket, size: number): void {
  const sending = setInterval(() => {
    for (let n = 0; n < 50 && socket.readyState === socket.OPEN; n++) socket.send('x'.repeat(size), { fin: false });
  }, 5);
  socket.once('close', () => clearInterval(sending));
}

const registered = (then: (socket: WebSocket) => void) => (socket: WebSocket) => {
  const name = `attacker-${Math.random().toString(36).slice(2)}`;
  socket.send(JSON.stringify({ type: 'register', name, secret: HUB_TEST_SECRET }));
  socket.once('message', () => then(socket));
};

const ATTACKS: readonly (readonly [string, Attack])[] = [
  ['sockets on which a request never ends', drip],
  ['bodies of a gigabyte', fatBodies],
  ['bodies without an end, with the secret', endlessBodies],
  ['WebSockets that say nothing', webSockets(SOCKETS, () => undefined)],
  ['fragments without an end', webSockets(SOCKETS, (socket) => fragments(socket, 1))],
  [
    'fragments without an end, from agents',
    webSockets(
      10,
      registered((socket) => fragments(socket, 10_000)),
    ),
  ],
  [
    'guesses',
    webSockets(SOCKETS, (socket) => socket.send(JSON.stringify({ type: 'register', name: 'a', secret: 'guess' }))),
  ],
];

describe.runIf(process.platform === 'linux')(`a hub under attack for ${FAULT_SCALE.attackSeconds} s`, () => {
  it.each(ATTACKS)(
    '[HUB-06] [SEC-05] serves the others, in its memory: %s',
    { timeout: TIMEOUT_MS },
    async (_what, attack) => {
      const folder = temporaryFolder();
      const env = { HUB_SECRET: HUB_TEST_SECRET, HUB_LOG_LEVEL: 'error', NODE_OPTIONS: SMALL_HEAP };
      await using hub = await HubProcess.start({ folder: folder.path, env });
      const { pid } = hub.process;
      using honest = await HubClient.join(hub.url, 'honest');
      honest.answerAll();
      const serve = async () => (await askHub(hub.url, '/task', { body: { agent: 'honest', message: 'x' } })).status;
      expect(await serve()).toBe(200);

      const before = memoryOf(pid);
      const end = attack(Number(new URL(hub.url).port));
      let most = before;
      const over = performance.now() + FAULT_SCALE.attackSeconds * 1000;
      while (performance.now() < over) {
        expect(await serve()).toBe(200);
        most = Math.max(most, memoryOf(pid));
        await pause(100);
      }
      // Somebody new gets in all the same.
      using newcomer = await HubClient.join(hub.url, 'newcomer');
      expect(newcomer.socket.readyState).toBe(newcomer.socket.OPEN);
      end();
      console.log(`${Math.round(before)} MiB before, at most ${Math.round(most)} MiB`);
      expect(most - before).toBeLessThan(MOST_GROWTH_MIB);
      expect(await hub.stop()).toBe(0);
      expect(hub.process.errors).toBe('');
      folder.remove();
    },
  );
});
