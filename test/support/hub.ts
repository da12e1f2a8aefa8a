import { WebSocket } from 'ws';
import { z } from 'zod';
import { Worker } from '../../src/delivery/worker.ts';
import type { HubOptions } from '../../src/hub/options.ts';
import { AcceptedSecrets } from '../../src/hub/secrets.ts';
import { hubServer } from '../../src/hub/server.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Spool } from '../../src/spool/spool.ts';

export const HUB_TEST_SECRET = 'a-secret-that-only-these-tests-know';

/** A frame of the hub, as it came. */
export type Frame = Readonly<Record<string, unknown>>;
const frameSchema = z.record(z.string(), z.unknown());

interface Close {
  readonly code: number;
  readonly reason: string;
}

interface ClientOptions {
  /** As whom a trusted proxy introduces it. */
  readonly forwardedFor?: string;
  readonly origin?: string;
  /** For a certificate that nobody has signed. */
  readonly ca?: string;
}

/** Somebody at the other end of a WebSocket, who says what a test has them say. */
export class HubClient implements Disposable {
  readonly socket: WebSocket;
  readonly frames: Frame[] = [];
  readonly closed: Promise<Close>;
  readonly opened: Promise<void>;
  #more = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(url: string, { forwardedFor, origin, ca }: ClientOptions = {}) {
    this.socket = new WebSocket(new URL('/ws', url.replace(/^http/, 'ws')), {
      perMessageDeflate: false,
      ...(forwardedFor !== undefined && { headers: { 'x-forwarded-for': forwardedFor } }),
      ...(origin !== undefined && { origin }),
      ...(ca !== undefined && { ca }),
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', () => resolve());
      this.socket.once('error', reject);
    });
    this.opened.catch(() => undefined);
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data) => {
      this.frames.push(frameSchema.parse(JSON.parse(String(data))));
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        this.#isClosed = true;
        this.#wake();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Connects and registers; resolves when it is an agent. */
  static async join(url: string, name: string, more: ClientOptions & Frame = {}): Promise<HubClient> {
    const { forwardedFor, origin, ca, ...fields } = more;
    const client = new HubClient(url, {
      ...(forwardedFor !== undefined && { forwardedFor }),
      ...(origin !== undefined && { origin }),
      ...(ca !== undefined && { ca }),
    });
    await client.opened;
    client.register(name, fields);
    await client.next('registered');
    return client;
  }

  register(name: string, fields: Frame = {}): void {
    this.send({ type: 'register', name, workspace: 'test', skills: ['testing'], secret: HUB_TEST_SECRET, ...fields });
  }

  /** A frame, or whatever else: text and bytes go as they are. */
  send(frame: unknown): void {
    const isRaw = typeof frame === 'string' || Buffer.isBuffer(frame);
    this.socket.send(isRaw ? frame : JSON.stringify(frame));
  }

  /** The first frame of this type that no call has taken yet; rejects when the socket closes before it comes. */
  async next(type: string, accept: (frame: Frame) => boolean = () => true): Promise<Frame> {
    for (;;) {
      const index = this.frames.findIndex((frame) => frame['type'] === type && accept(frame));
      const [frame] = index < 0 ? [] : this.frames.splice(index, 1);
      if (frame) return frame;
      if (this.#isClosed) throw new Error(`closed before a frame of type ${type} came`);
      await this.#more.promise;
    }
  }

  /** Answers every task, and those that have come already. */
  answerAll(): void {
    const answer = ({ type, requestId, message }: Frame): void => {
      if (type === 'task') this.send({ type: 'task-response', requestId, response: `done: ${String(message)}` });
    };
    for (const frame of this.frames) answer(frame);
    this.socket.on('message', (data) => answer(frameSchema.parse(JSON.parse(String(data)))));
  }

  /** All that was sent has been read by the hub, and all that it said to that has come. */
  async settled(): Promise<void> {
    const pong = Promise.withResolvers<void>();
    this.socket.once('pong', () => pong.resolve());
    this.socket.ping();
    await Promise.race([pong.promise, this.closed]);
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }

  #wake(): void {
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** null: none. */
  readonly secret?: string | null;
  readonly signal?: AbortSignal;
}

/** Asks a hub over HTTP. */
export async function askHub(url: string, path: string, options: RequestOptions = {}): Promise<Reply> {
  const { body, headers = {}, secret = HUB_TEST_SECRET, signal } = options;
  const reply = await fetch(new URL(path, url), {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(secret !== null && { authorization: `Bearer ${secret}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const text = await reply.text();
  return { status: reply.status, headers: reply.headers, body: text === '' ? {} : frameSchema.parse(JSON.parse(text)) };
}

export interface HubFixture extends AsyncDisposable {
  readonly url: string;
  readonly secrets: AcceptedSecrets;
  join(name: string, more?: ClientOptions & Frame): Promise<HubClient>;
  connect(options?: ClientOptions): Promise<HubClient>;
  ask(path: string, options?: RequestOptions): Promise<Reply>;
  /** Stops it as a signal would. */
  stop(): Promise<void>;
}

/** A hub of this process on a port of its own. With a spool, tasks wait. Its clients end with it. */
export async function openHub({
  spool,
  ...options
}: Partial<HubOptions> & { spool?: Spool } = {}): Promise<HubFixture> {
  const clock: Clock = options.clock ?? systemClock;
  const secrets = options.secrets ?? new AcceptedSecrets([HUB_TEST_SECRET]);
  const app = hubServer({
    maxAgents: 50,
    maxPerAddress: 50,
    allowedOrigins: [],
    trustedProxies: [],
    tls: null,
    store: spool
      ? {
          spool,
          serve: (mailbox, handle) =>
            new Worker({ spool, mailbox, handle, concurrency: 4, leaseMs: 60_000, logger: silentLogger, clock }),
        }
      : null,
    logger: silentLogger,
    ...options,
    clock,
    secrets,
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const clients: HubClient[] = [];
  const keep = (client: HubClient): HubClient => {
    clients.push(client);
    return client;
  };
  const stop = async (): Promise<void> => void (await app.close());
  return {
    url,
    secrets,
    join: async (name, more) => keep(await HubClient.join(url, name, more)),
    connect: async (more) => {
      const client = keep(new HubClient(url, more));
      await client.opened;
      return client;
    },
    ask: (path, more) => askHub(url, path, more),
    stop,
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client[Symbol.dispose]();
      await stop();
    },
  };
}
