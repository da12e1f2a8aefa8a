import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { HUB_CLOSE, HUB_MAX_BYTES, type RegisterFrame } from '../protocol/hub-frames.ts';
import type { Admission } from './admission.ts';
import type { ConnectedAgent } from './connected-agents.ts';
import { Connection, type ConnectionListener } from './connection.ts';
import { Counter } from './counter.ts';
import type { Hub } from './hub.ts';
import type { HubOptions } from './options.ts';

/** Room for a task of the greatest length and what stands around it in a frame. */
const MAX_PAYLOAD_BYTES = HUB_MAX_BYTES + 4096;
/** Nobody has a reason to cut a frame into more pieces; each piece costs memory. */
const MAX_FRAGMENTS = 128;
const MAX_BUFFERED_CHUNKS = 4096;
/** Beside the agents: connections that have yet to register. */
const MOST_UNREGISTERED = 64;
const PATHS = ['/', '/ws'];

/** Takes in the WebSockets: decides who may connect, and hands on those that register. */
export class Sockets {
  readonly #hub: Hub;
  readonly #admission: Admission;
  readonly #options: HubOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD_BYTES,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_BUFFERED_CHUNKS,
  });
  /** The oldest first. */
  readonly #unregistered = new Set<Connection>();
  readonly #perAddress = new Counter();

  constructor(hub: Hub, admission: Admission, options: HubOptions) {
    this.#hub = hub;
    this.#admission = admission;
    this.#options = options;
  }

  /** For the event `upgrade` of an HTTP server. */
  readonly upgrade = (request: IncomingMessage, transport: Duplex, head: Buffer): void => {
    transport.on('error', () => transport.destroy());
    const refusal = this.#refusal(request);
    if (refusal) {
      // Otherwise it stays open for as long as the other side likes.
      transport.once('finish', () => transport.destroy());
      transport.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const address = this.#admission.addressOf(request);
    this.#server.handleUpgrade(request, transport, head, (socket) => {
      const { clock, logger } = this.#options;
      const connection = new Connection({ socket, transport, clock, logger }, (own) => this.#listener(own, address));
      this.#perAddress.add(address);
      this.#unregistered.add(connection);
      this.#limit(connection, address);
    });
  };

  /** The connections that have not registered end; the others are the hub's to close. */
  stop(): void {
    for (const connection of [...this.#unregistered]) connection.terminate();
  }

  #refusal(request: IncomingMessage): string | null {
    if (this.#hub.isStopping) return '503 Service Unavailable';
    if (!this.#admission.allowsPage(request.headers)) return '403 Forbidden';
    if (!PATHS.includes(request.url?.split('?')[0] ?? '')) return '404 Not Found';
    // Beyond this not even a close code is worth a handshake.
    if (!this.#admission.mayAsk(this.#admission.addressOf(request))) return '429 Too Many Requests';
    return null;
  }

  #limit(connection: Connection, address: string): void {
    if (this.#perAddress.of(address) > this.#options.maxPerAddress)
      return connection.refuse(HUB_CLOSE.tooManyConnections, 'Too many connections from your address.');
    if (this.#admission.isLockedOut(address))
      return connection.refuse(HUB_CLOSE.tooFast, 'Too many wrong secrets from your address; wait a minute.');
    const [oldest] = this.#unregistered;
    if (this.#unregistered.size > MOST_UNREGISTERED) oldest?.terminate();
  }

  #listener(connection: Connection, address: string): ConnectionListener {
    let agent: ConnectedAgent | null = null;
    return {
      frame: async (frame) => {
        if (agent) await this.#hub.receive(agent, frame);
        else if (frame.type === 'register') agent = this.#register(connection, frame, address);
      },
      closed: () => {
        this.#perAddress.remove(address);
        this.#unregistered.delete(connection);
        if (agent) this.#hub.left(agent);
      },
    };
  }

  #register(connection: Connection, frame: RegisterFrame, address: string): ConnectedAgent | null {
    if (!this.#admission.accept(frame.secret, address)) {
      connection.refuse(HUB_CLOSE.refused, 'The secret is wrong.');
      return null;
    }
    const agent = this.#hub.register(connection, frame);
    if (agent) this.#unregistered.delete(connection);
    return agent;
  }
}
