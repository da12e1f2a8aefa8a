import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { type Clock, sleep, systemClock } from '../../src/lib/clock.ts';
import { wholeNumber } from './random.ts';

/**
 * What may happen to a message on its way: a whole HTTP request, or a frame of a WebSocket.
 *
 * - `cut`: it does not arrive, and whoever sent it sees the connection end.
 * - `unanswered`: it arrives, and then the connection ends.
 * - `delayed`: it arrives late; of a WebSocket all that follows waits for it.
 * - `twice`: it arrives twice.
 * - `reordered`: what was sent after it arrives before it. Whoever sent a request like that sees the connection end, and sends others.
 */
export const FAULTS = ['cut', 'unanswered', 'delayed', 'twice', 'reordered'] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultProxyOptions {
  /** `http://127.0.0.1:1234`: the server behind the proxy. */
  readonly target: string;
  /** How often each fault happens, from 0 to 1, together at most 1; what is not named does not happen. */
  readonly rates: Partial<Readonly<Record<Fault, number>>>;
  /** Draws from [0, 1): see random.ts. */
  readonly random: () => number;
  /** The longest delay, in milliseconds. */
  readonly mostDelayMs: number;
  readonly clock?: Clock;
}

/** Stands between a server and its clients, and does to what passes what bad networks do. */
abstract class FaultProxy implements AsyncDisposable {
  /** What it did. */
  readonly counts: Record<Fault | 'passed', number> = {
    passed: 0,
    cut: 0,
    unanswered: 0,
    delayed: 0,
    twice: 0,
    reordered: 0,
  };
  protected readonly options: FaultProxyOptions;
  protected readonly server: Server;
  protected readonly closing = new AbortController();
  #isCalm = false;

  protected constructor(options: FaultProxyOptions, server: Server) {
    this.options = options;
    this.server = server;
  }

  /** For clients, instead of the target. */
  get url(): string {
    const { port } = z.object({ port: z.number() }).parse(this.server.address());
    return `http://127.0.0.1:${port}`;
  }

  /** From now on everything passes. */
  calm(): void {
    this.#isCalm = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing.abort();
    this.server.closeAllConnections();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }

  /** What is to happen to the next message; null: it passes. */
  protected draw(): Fault | null {
    const fault = this.#isCalm ? null : this.#drawn(this.options.random());
    this.counts[fault ?? 'passed'] += 1;
    return fault;
  }

  protected pause(): Promise<void> {
    const { random, mostDelayMs, clock = systemClock } = this.options;
    return sleep(clock, wholeNumber(random, 1, mostDelayMs), this.closing.signal);
  }

  #drawn(draw: number): Fault | null {
    let below = 0;
    for (const fault of FAULTS) {
      below += this.options.rates[fault] ?? 0;
      if (draw < below) return fault;
    }
    return null;
  }
}

async function listening(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

interface Exchanged {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/** For HTTP: requests and their answers, whole. */
export class HttpFaultProxy extends FaultProxy {
  readonly #upstream = new Agent({ keepAlive: true });

  static async open(options: FaultProxyOptions): Promise<HttpFaultProxy> {
    const proxy = new HttpFaultProxy(options, createServer());
    proxy.server.on('request', (asked: IncomingMessage, reply: ServerResponse) => void proxy.#serve(asked, reply));
    await listening(proxy.server);
    return proxy;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    this.#upstream.destroy();
  }

  /** Whatever fails on the way, the client sees its connection end. */
  async #serve(asked: IncomingMessage, reply: ServerResponse): Promise<void> {
    const gone = new AbortController();
    reply.once('close', () => gone.abort());
    try {
      const body = await buffer(asked);
      const answer = await this.#pass(asked, body, reply, gone.signal);
      if (answer) reply.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body);
      else reply.destroy();
    } catch {
      reply.destroy();
    }
  }

  /** The answer, or null when the client gets none. */
  async #pass(
    asked: IncomingMessage,
    body: Buffer,
    reply: ServerResponse,
    gone: AbortSignal,
  ): Promise<Exchanged | null> {
    const { signal } = this.closing;
    switch (this.draw()) {
      case 'cut':
        return null;
      case 'unanswered':
        await this.#exchange(asked, body, AbortSignal.any([signal, gone]));
        return null;
      case 'reordered':
        reply.destroy();
        await this.pause();
        await this.#exchange(asked, body, signal);
        return null;
      case 'twice': {
        const again = this.pause().then(() => this.#exchange(asked, body, signal));
        again.catch(() => undefined);
        break;
      }
      case 'delayed':
        await this.pause();
        break;
      case null:
    }
    return this.#exchange(asked, body, AbortSignal.any([signal, gone]));
  }

  async #exchange({ method, url, headers }: IncomingMessage, body: Buffer, signal: AbortSignal): Promise<Exchanged> {
    const asking = request(new URL(url ?? '/', this.options.target), {
      method,
      headers,
      agent: this.#upstream,
      signal,
    });
    asking.end(body);
    const [answered] = z.tuple([z.custom<IncomingMessage>()]).parse(await once(asking, 'response'));
    const type = answered.headers['content-type'] ?? 'application/json';
    return { status: answered.statusCode ?? 502, type, body: await buffer(answered) };
  }
}

interface Frame {
  readonly data: RawData;
  readonly isBinary: boolean;
}

/** For WebSockets: frames, in both directions. */
export class WebSocketFaultProxy extends FaultProxy {
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

  static async open(options: FaultProxyOptions): Promise<WebSocketFaultProxy> {
    const proxy = new WebSocketFaultProxy(options, createServer());
    proxy.server.on('upgrade', (asked, transport, head) =>
      proxy.#sockets.handleUpgrade(asked, transport, head, (client) => proxy.#connect(client, asked.url ?? '/')),
    );
    await listening(proxy.server);
    return proxy;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    await super[Symbol.asyncDispose]();
  }

  #connect(client: WebSocket, path: string): void {
    const target = new WebSocket(new URL(path, this.options.target.replace(/^http/, 'ws')), {
      perMessageDeflate: false,
    });
    const opened = once(target, 'open');
    opened.catch(() => client.terminate());
    this.#pump(client, target, opened);
    this.#pump(target, client, opened);
  }

  /** Passes what comes from one side on to the other, in order but for the faults. */
  #pump(from: WebSocket, to: WebSocket, opened: Promise<unknown>): void {
    const cut = (): void => {
      from.terminate();
      to.terminate();
    };
    const held: Frame[] = [];
    const pass = ({ data, isBinary }: Frame): void => {
      if (to.readyState === to.OPEN) to.send(data, { binary: isBinary });
    };
    const release = (): void => {
      for (const frame of held.splice(0)) pass(frame);
    };
    const handle = async (frame: Frame): Promise<void> => {
      const fault = this.draw();
      if (fault === 'cut') return cut();
      if (fault === 'reordered') {
        held.push(frame);
        // When nothing follows that it could come after.
        void this.pause().then(release);
        return;
      }
      if (fault === 'delayed') await this.pause();
      pass(frame);
      if (fault === 'twice') pass(frame);
      release();
      if (fault === 'unanswered') cut();
    };
    let before: Promise<unknown> = opened;
    from.on('message', (data, isBinary) => {
      before = before.then(() => handle({ data, isBinary }));
      before.catch(cut);
    });
    from.on('error', cut);
    // After all that came before it.
    from.once('close', (code, reason) => {
      before.then(() => (isSendable(code) ? to.close(code, reason) : to.terminate()), cut);
    });
  }
}

/** RFC 6455, section 7.4.1: these say that no close frame came, and are in none. */
const NEVER_SENT: readonly number[] = [1004, 1005, 1006, 1015];
const isSendable = (code: number): boolean => !NEVER_SENT.includes(code);
