import { type BinaryNode, decodeBinaryNode, encodeBinaryNode } from 'baileys';
import type { RawData, WebSocket } from 'ws';
import { FrameReader, frameOf } from './frames.ts';
import { Linking } from './linking.ts';
import type { Network } from './network.ts';
import { NoiseResponder } from './noise.ts';
import { Session } from './session.ts';
import { ProtocolError, stanza } from './stanza.ts';

const MAX_HANDSHAKE_BYTES = 8 * 1024;
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** What a connection has become after the handshake. */
interface Role {
  handle(node: BinaryNode): void;
  closed(): void;
}

/** The socket of one client, from the first byte on. */
export class Connection {
  readonly #network: Network;
  readonly #socket: WebSocket;
  readonly #noise: NoiseResponder;
  readonly #frames = new FrameReader(MAX_HANDSHAKE_BYTES);
  #saidHello = false;
  #role: Role | undefined;
  /** The number that is logged in, for the log. */
  number: string | null = null;
  #work: Promise<void> = Promise.resolve();

  constructor(network: Network, socket: WebSocket) {
    this.#network = network;
    this.#socket = socket;
    this.#noise = new NoiseResponder(network.certificate);
    network.connections.add(this);
    socket.on('message', (data) => this.#enqueue(data));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      network.connections.delete(this);
      this.#role?.closed();
    });
  }

  /** False when there is nobody to send it to any more. */
  send(node: BinaryNode): boolean {
    if (!this.#isOpen) return false;
    this.#socket.send(frameOf(this.#noise.seal(encodeBinaryNode(node))));
    return true;
  }

  close(): void {
    this.#socket.close();
  }

  /** As if the network had gone. */
  terminate(): void {
    this.#socket.terminate();
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Stanzas are decoded asynchronously, but taken one after the other. */
  #enqueue(data: RawData): void {
    this.#work = this.#work.then(() => this.#take(data)).catch((error: unknown) => this.#refuse(error));
  }

  async #take(data: RawData): Promise<void> {
    if (!(data instanceof Buffer)) throw new ProtocolError('not a binary message');
    for (const frame of this.#frames.read(data)) {
      if (!this.#isOpen) return;
      if (!this.#saidHello) this.#hello(frame);
      else if (!this.#role) this.#finishHandshake(frame);
      else this.#role.handle(await decodeStanza(this.#noise.open(frame)));
    }
  }

  #hello(frame: Buffer): void {
    this.#socket.send(frameOf(this.#noise.hello(frame)));
    this.#saidHello = true;
  }

  #finishHandshake(frame: Buffer): void {
    const { key, payload } = this.#noise.finish(frame);
    this.#frames.maxBytes = MAX_FRAME_BYTES;
    if (payload.devicePairingData) {
      this.#role = new Linking(this.#network, this, key, payload.devicePairingData);
      return;
    }
    const account = this.#network.accounts.byNumber(String(payload.username ?? ''));
    const device = account?.devices.get(payload.device ?? 0);
    if (!device?.key.equals(key)) {
      this.send(stanza('failure', { reason: 401, location: 'local' }));
      this.close();
      return;
    }
    this.number = device.account.number;
    const session = new Session(this.#network, this, device);
    this.#role = session;
    session.welcome();
  }

  /** Whatever it was, it concerns this connection alone. */
  #refuse(error: unknown): void {
    const number = this.number;
    const network = this.#network;
    if (error instanceof ProtocolError) {
      network.events.add({ type: 'violation', number, reason: error.message });
      network.logger.warn({ number, reason: error.message }, 'a client broke the protocol');
    } else {
      network.logger.error({ number, error }, 'the server failed at what a client sent');
    }
    if (this.#role) this.send(stanza('stream:error', {}, [stanza('xml-not-well-formed')]));
    this.close();
  }
}

async function decodeStanza(plaintext: Buffer): Promise<BinaryNode> {
  try {
    const node = await decodeBinaryNode(plaintext);
    if (typeof node.tag === 'string' && node.tag !== '') return node;
  } catch (cause) {
    throw new ProtocolError('not a stanza', { cause });
  }
  throw new ProtocolError('a stanza without a tag');
}
