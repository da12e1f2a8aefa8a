import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { hostRefusal } from '../domain/allowed-hosts.ts';
import type { Clock } from '../lib/clock.ts';
import {
  type AllowedAddresses,
  BlockedAddress,
  guardedLookup,
  type Resolve,
  refuseUnlessAllowed,
  systemResolve,
} from '../lib/guarded-lookup.ts';
import { reasonOf } from '../lib/guarded-request.ts';
import { addressIn } from '../lib/public-address.ts';
import type { Result } from '../lib/result.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { forwardedHeaders, forwardedRequestHeaders, forwardUrl, tunnelUrl } from './proxy-message.ts';

/** Where connections may lead. */
export interface NetworkPolicy {
  /** As `hostRefusal` has them: `example.org`, `*.example.org`, `*`, each perhaps with a port. */
  readonly hosts: readonly string[];
  /** For tests: other addresses than those of the Internet, and another way to find them. */
  readonly allow?: AllowedAddresses;
  readonly resolve?: Resolve;
}

/** At a time. */
export const MAX_CONNECTIONS = 32;
/** A slow name server holds a thread of the whole process for each name that is asked for. */
const MAX_LOOKUPS = 2;
const MAX_HEADER_BYTES = 16 * 1024;
/** From the connection to the end of the headers; and from then until there is a connection to the host. */
const HEADERS_MS = 10_000;
const CONNECT_MS = 10_000;
/** A connection on which nothing has passed for this long, or at most twice as long, is ended. */
const IDLE_MS = 60_000;

/**
 * An HTTP proxy that leads to some hosts only, and there to public addresses only. It takes one request for each connection: what
 * comes after the first is never read as another. Whatever is open ends with it.
 */
export class ForwardProxy implements AsyncDisposable {
  readonly #hosts: readonly string[];
  readonly #allow: AllowedAddresses;
  readonly #lookup: ReturnType<typeof guardedLookup>;
  readonly #clock: Clock;
  readonly #server: Server;
  /** To clients and to hosts. */
  readonly #open = new Set<Socket>();
  /** Clients that have not sent a request yet. */
  readonly #fresh = new Set<Socket>();
  readonly #closing = new AbortController();

  constructor({ hosts, allow = 'public', resolve = systemResolve }: NetworkPolicy, clock: Clock) {
    this.#hosts = hosts;
    this.#allow = allow;
    const lookups = new Semaphore(MAX_LOOKUPS);
    this.#lookup = guardedLookup((host) => lookups.run(() => resolve(host), this.#closing.signal), allow);
    this.#clock = clock;
    // Said although it is the default: a flag of Node's can change it for the process. The times are looked after here.
    const strict = { insecureHTTPParser: false, maxHeaderSize: MAX_HEADER_BYTES };
    this.#server = createServer({ ...strict, headersTimeout: 0, requestTimeout: 0 });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('connection', (client) => this.#accept(client));
    this.#server.on('request', (request, response) => void this.#forward(request, response));
    this.#server.on('connect', (request, _client, head) => void this.#tunnel(request, head));
  }

  /** Begins to take connections on a Unix socket. */
  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, resolve);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    const gone = [...this.#open].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of this.#open) socket.destroy();
    await Promise.all([closed, ...gone]);
  }

  #follow(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  }

  #accept(client: Socket): void {
    this.#follow(client);
    this.#fresh.add(client);
    const cancel = this.#clock.timer(this.#clock.now() + HEADERS_MS, () => {
      if (this.#fresh.has(client)) client.destroy();
    });
    const endIdleness = endWhenIdle(client, this.#clock);
    client.on('error', () => {});
    client.once('close', () => {
      cancel();
      endIdleness();
      this.#fresh.delete(client);
    });
  }

  /** CONNECT: bytes both ways, which are not looked at. */
  async #tunnel({ socket: client, url: target = '' }: IncomingMessage, head: Buffer): Promise<void> {
    // Behind another request, whose answer may be under way.
    if (!this.#fresh.delete(client)) return void client.destroy();
    try {
      const upstream = await this.#connect(this.#checked(tunnelUrl(target)), client);
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      client.unshift(head);
      client.pipe(upstream).pipe(client);
      // Either side may have said all before the other. When the host has gone, what it said is still on its way.
      upstream.once('close', () => client.end(() => client.destroy()));
    } catch (error) {
      const { status, reason } = refusalOf(error);
      // Some programs show nothing of a refused tunnel but the first line.
      const lines = [
        `HTTP/1.1 ${status} ${reason}`,
        'Content-Type: text/plain',
        'Connection: close',
        '',
        `${reason}\n`,
      ];
      client.end(lines.join('\r\n'), () => client.destroy());
    }
  }

  /** One request in the absolute form. The host is told the name that was looked at, whatever the client called it. */
  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The connection ends with the answer to the one before.
    if (!this.#fresh.delete(request.socket)) return;
    response.shouldKeepAlive = false;
    try {
      const url = this.#checked(forwardUrl(request.url ?? ''));
      const upstream = await this.#connect(url, request.socket);
      const answer = await answerTo(request, url, upstream);
      const { statusCode: status = 0 } = answer;
      if (status < 200) throw new Refusal(502, `${url.host} answers in another protocol.`);
      response.writeHead(status, answer.statusMessage, forwardedHeaders(answer.headersDistinct));
      await pipeline(answer, response);
    } catch (error) {
      const { status, reason } = refusalOf(error);
      if (response.headersSent) response.destroy();
      else response.writeHead(status, { 'content-type': 'text/plain' }).end(`${reason}\n`);
    }
  }

  #checked(url: Result<URL, string>): URL {
    if (!url.ok) throw new Refusal(400, url.error);
    const refusal = hostRefusal(url.value, this.#hosts);
    if (refusal) throw new Refusal(403, refusal);
    return url.value;
  }

  /** A connection to the host of a URL, which ends with that of the client. */
  async #connect(url: URL, client: Socket): Promise<Socket> {
    try {
      return await this.#connected(url, client);
    } catch (error) {
      if (error instanceof BlockedAddress) throw new Refusal(403, `${url.hostname} ${NOT_PUBLIC}`);
      throw error instanceof Refusal ? error : new Refusal(502, `${url.host} cannot be reached: ${reasonOf(error)}.`);
    }
  }

  async #connected(url: URL, client: Socket): Promise<Socket> {
    const address = addressIn(url);
    if (address !== null) refuseUnlessAllowed([address], this.#allow);
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const upstream = connect({ host: address ?? url.hostname, port, lookup: this.#lookup, allowHalfOpen: true });
    this.#follow(upstream);
    const late = new Refusal(504, `${url.host} did not answer in ${CONNECT_MS / 1000} s.`);
    const cancel = this.#clock.timer(this.#clock.now() + CONNECT_MS, () => upstream.destroy(late));
    client.once('close', () => upstream.destroy());
    try {
      await new Promise<void>((resolve, reject) => {
        upstream.once('connect', resolve);
        upstream.on('error', reject);
        upstream.once('close', () => reject(new Error('it was given up')));
      });
      return upstream;
    } finally {
      cancel();
    }
  }
}

/** Which address it is would tell what the names of a private network are for. */
const NOT_PUBLIC =
  'has an address that is not public: of this machine, a private network or the like. No setting allows those.';

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, reason: string) {
    super(reason);
    this.status = status;
  }
}

function refusalOf(error: unknown): { readonly status: number; readonly reason: string } {
  const status = error instanceof Refusal ? error.status : 502;
  // In the first line of an answer there is ASCII only.
  return { status, reason: reasonOf(error).replace(/[^ -~]/g, '?') };
}

/** Sends the request on over a connection that is there, and gives what the host answers. */
function answerTo(
  request: IncomingMessage,
  { host, pathname, search }: URL,
  upstream: Socket,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({
      createConnection: () => upstream,
      method: request.method,
      path: `${pathname}${search}`,
      headers: forwardedRequestHeaders(request.headersDistinct, host),
      insecureHTTPParser: false,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    // After an answer that switches to another protocol there is neither.
    sent.on('close', () => reject(new Error('The connection was closed.')));
    // A host may answer before it has read all. What fails otherwise is told by `error`.
    pipeline(request, sent).catch(() => {});
  });
}

/** The returned function ends the watch. */
function endWhenIdle(socket: Socket, clock: Clock): () => void {
  let passed = -1;
  let cancel = (): void => {};
  const look = (): void => {
    const bytes = socket.bytesRead + socket.bytesWritten;
    if (bytes === passed) return void socket.destroy();
    passed = bytes;
    cancel = clock.timer(clock.now() + IDLE_MS, look);
  };
  look();
  return () => cancel();
}
