import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/** A socket's path must fit in sockaddr_un: 104 bytes on macOS, 108 on Linux. */
const LONGEST_PATH = 100;
/** How old the list of the other processes may be before it is read again, in milliseconds. */
const PEERS_FRESH_MS = 200;
/** A wake line is a handful of addresses; whoever sends more is not one of us. */
const LONGEST_LINE = 64 * 1024;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/**
 * How processes on one database wake each other: each listens on a socket of its own in a folder beside the file, and whoever
 * commits something writes the recipients' addresses to the others. The socket is also how a process is known to be alive: the
 * system closes it when the process dies, however it dies. Where sockets do not work, waking falls back to the safety look.
 */
export class Wake {
  /** Names this process in lease tokens: the machine and this opening of the database. */
  readonly holder: string;
  readonly #machine: string;
  readonly #folder: string;
  readonly #onWake: (recipients: readonly string[]) => void;
  readonly #peers = new Map<string, Socket>();
  readonly #accepted = new Set<Socket>();
  #server: Server | null = null;
  #listening: Promise<boolean>;
  #peersReadAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(databasePath: string, onWake: (recipients: readonly string[]) => void) {
    this.#machine = digest(hostname());
    this.holder = `${this.#machine}-${randomBytes(5).toString('hex')}`;
    this.#onWake = onWake;
    const beside = `${databasePath}.wake`;
    this.#folder =
      join(beside, `${this.holder}.sock`).length <= LONGEST_PATH
        ? beside
        : join(tmpdir(), `parley-${digest(databasePath)}`);
    this.#listening = this.#listen();
  }

  /** Tells the other processes that these mailboxes have something. Never fails: they look for themselves before long. */
  notify(recipients: ReadonlySet<string>): void {
    if (recipients.size === 0 || this.#closed) return;
    this.#findPeers();
    const line = `${[...recipients].join(' ')}\n`;
    for (const socket of this.#peers.values()) socket.write(line);
  }

  /** Whether a process on this machine is certainly gone. Of one on another machine we cannot tell: its leases run out. */
  async isGone(holder: string): Promise<boolean> {
    if (holder === this.holder || !holder.startsWith(`${this.#machine}-`) || !(await this.#listening)) return false;
    return new Promise((resolve) => {
      const socket = createConnection(join(this.#folder, `${holder}.sock`));
      socket.once('connect', () => {
        socket.destroy();
        resolve(false);
      });
      socket.once('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'ENOENT' || error.code === 'ECONNREFUSED'),
      );
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#listening;
    for (const socket of [...this.#peers.values(), ...this.#accepted]) socket.destroy();
    const server = this.#server;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #listen(): Promise<boolean> {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    } catch {
      return Promise.resolve(false);
    }
    const server = createServer((socket) => {
      this.#accepted.add(socket);
      socket.once('close', () => this.#accepted.delete(socket));
      socket.on('error', () => socket.destroy());
      let buffered = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (buffered + chunk).split('\n');
        buffered = lines.pop() ?? '';
        if (buffered.length > LONGEST_LINE) return void socket.destroy();
        if (lines.length > 0 && !this.#closed) this.#onWake(lines.flatMap((line) => line.split(' ')));
      });
      if (this.#closed) socket.destroy();
    });
    server.unref();
    this.#server = server;
    return new Promise((resolve) => {
      server.once('listening', () => resolve(true));
      server.once('error', () => resolve(false));
      server.listen(join(this.#folder, `${this.holder}.sock`));
    });
  }

  #findPeers(): void {
    const now = performance.now();
    if (now - this.#peersReadAt < PEERS_FRESH_MS) return;
    this.#peersReadAt = now;
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch {
      return;
    }
    for (const name of names) {
      if (name === `${this.holder}.sock` || this.#peers.has(name)) continue;
      const socket = createConnection(join(this.#folder, name));
      socket.unref();
      this.#peers.set(name, socket);
      socket.on('error', (error: NodeJS.ErrnoException) => {
        // What is left of a process of this machine that was killed; nobody will ever answer there again.
        if (error.code === 'ECONNREFUSED' && name.startsWith(`${this.#machine}-`))
          rmSync(join(this.#folder, name), { force: true });
      });
      socket.on('close', () => this.#peers.delete(name));
    }
  }
}
