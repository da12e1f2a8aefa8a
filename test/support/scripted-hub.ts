import { once } from 'node:events';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import type { HubFrame } from '../../src/protocol/hub-frames.ts';
import type { Frame } from './hub.ts';

const frameSchema = z.record(z.string(), z.unknown());

/** The hub's end of one connection of an agent. */
export class ScriptedConnection {
  readonly #socket: WebSocket;
  readonly #frames: Frame[] = [];
  /** Resolves with the code that the agent gave. */
  readonly closed: Promise<number>;
  #more = Promise.withResolvers<void>();

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('message', (data) => {
      this.#frames.push(frameSchema.parse(JSON.parse(String(data))));
      this.#more.resolve();
      this.#more = Promise.withResolvers();
    });
  }

  /** The next frame of the agent that is not a ping. */
  async next(): Promise<Frame> {
    return this.#nextOf((type) => type !== 'ping');
  }

  /** The agent asks for a sign of life. */
  async ping(): Promise<void> {
    await this.#nextOf((type) => type === 'ping');
  }

  say(...frames: readonly HubFrame[]): void {
    for (const frame of frames) this.#socket.send(JSON.stringify(frame));
  }

  /** Registers whoever asks for it; what it has asked with. */
  async register(session = 'session'): Promise<Frame> {
    const asked = await this.next();
    this.say({ type: 'registered', agentId: 'agent-1', message: 'Welcome.', session });
    return asked;
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** As when the machine fails. */
  cut(): void {
    this.#socket.terminate();
  }

  async #nextOf(accept: (type: unknown) => boolean): Promise<Frame> {
    for (;;) {
      const index = this.#frames.findIndex(({ type }) => accept(type));
      const [frame] = index < 0 ? [] : this.#frames.splice(index, 1);
      if (frame) return frame;
      await this.#more.promise;
    }
  }
}

/** A hub that does nothing by itself: a test says for it what it likes. */
export class ScriptedHub implements AsyncDisposable {
  readonly #server: WebSocketServer;
  readonly #connections: ScriptedConnection[] = [];
  #more = Promise.withResolvers<void>();

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#connections.push(new ScriptedConnection(socket));
      this.#more.resolve();
      this.#more = Promise.withResolvers();
    });
  }

  static async open(): Promise<ScriptedHub> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    const hub = new ScriptedHub(server);
    await once(server, 'listening');
    return hub;
  }

  get url(): string {
    const address = this.#server.address();
    return `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  /** The next connection that no call has taken yet. */
  async connection(): Promise<ScriptedConnection> {
    for (;;) {
      const connection = this.#connections.shift();
      if (connection) return connection;
      await this.#more.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
