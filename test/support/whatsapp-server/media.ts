import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { BinaryNode } from 'baileys';
import { selfSignedCertificate } from '../certificate.ts';
import { stanza } from './stanza.ts';

const AUTH = 'local';
const TTL_S = 3600;
const UPLOAD_PATH = /^\/mms\/(?:image|video|audio|document|md-app-state)\/([\w-]{43})$/;

/**
 * Where clients put the files that messages refer to. They are encrypted, and named by their SHA-256.
 * Clients upload by HTTPS and no other way, so they have to be given the certificate; what they download is at a plain URL.
 */
export class MediaHost implements AsyncDisposable {
  /** What clients have to trust, in PEM. */
  readonly certificate: string;
  readonly #uploads: Server;
  readonly #downloads: Server;
  readonly #files = new Map<string, Buffer>();

  private constructor() {
    const { cert, key } = selfSignedCertificate();
    this.certificate = cert;
    this.#uploads = createHttpsServer({ cert, key }, (request, response) => {
      this.#upload(request, response).catch(() => response.destroy());
    });
    this.#downloads = createHttpServer((request, response) => this.#download(request, response));
  }

  static async start(): Promise<MediaHost> {
    const host = new MediaHost();
    await Promise.all([host.#uploads, host.#downloads].map(listen));
    return host;
  }

  /** Tells a client where to upload. */
  connectionNode(): BinaryNode {
    const hostname = `127.0.0.1:${portOf(this.#uploads)}`;
    return stanza('media_conn', { auth: AUTH, ttl: TTL_S }, [stanza('host', { hostname })]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#uploads, this.#downloads].map(close));
  }

  async #upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'https://127.0.0.1');
    const name = UPLOAD_PATH.exec(url.pathname)?.[1];
    const isAllowed = url.searchParams.get('auth') === AUTH && url.searchParams.get('token') === name;
    const file = await buffer(request);
    if (!name || !isAllowed || createHash('sha256').update(file).digest('base64url') !== name) {
      response.writeHead(400).end();
      return;
    }
    this.#files.set(name, file);
    // Without a direct_path: a client that has one insists on HTTPS for the download.
    const answer = { url: `http://127.0.0.1:${portOf(this.#downloads)}/${name}` };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #download(request: IncomingMessage, response: ServerResponse): void {
    const file = this.#files.get((request.url ?? '').slice(1));
    response.writeHead(file ? 200 : 404).end(file);
  }
}

async function listen(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the media host does not listen');
  return address.port;
}
