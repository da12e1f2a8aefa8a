import { once } from 'node:events';
import {
  type AuthenticationState,
  type BinaryNode,
  Curve,
  DEFAULT_CONNECTION_CONFIG,
  encodeBinaryNode,
  generateLoginNode,
  generateRegistrationNode,
  initAuthCreds,
  type KeyPair,
  makeNoiseHandler,
  NOISE_WA_HEADER,
  proto,
  WA_CERT_DETAILS,
} from 'baileys';
import pino from 'pino';
import { WebSocket } from 'ws';

/** A client that sends whatever it is told to, at any stage of a connection. */
export class RawClient {
  readonly closed: Promise<unknown>;
  readonly #socket: WebSocket;
  readonly #ephemeral = Curve.generateKeyPair();
  readonly #noise = makeNoiseHandler({
    keyPair: this.#ephemeral,
    NOISE_HEADER: NOISE_WA_HEADER,
    logger: pino({ level: 'silent' }),
  });

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = once(socket, 'close');
    socket.on('error', () => undefined);
  }

  static async connect({ url, rootKey }: { readonly url: string; readonly rootKey: string }): Promise<RawClient> {
    WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootKey, 'hex');
    const socket = new WebSocket(url);
    const client = new RawClient(socket);
    await once(socket, 'open');
    return client;
  }

  hangUp(): void {
    this.#socket.close();
  }

  /** The bytes as they are. */
  send(bytes: Uint8Array | string): void {
    this.#socket.send(bytes);
  }

  /** A frame with these bytes in it, after the intro if it is the first; encrypted as soon as there is a key for that. */
  sendFrame(content: Uint8Array): void {
    this.#socket.send(this.#noise.encodeFrame(content));
  }

  sendStanza(node: BinaryNode): void {
    this.sendFrame(encodeBinaryNode(node));
  }

  /** Sends the first message of the handshake and takes the answer to it. */
  async hello(): Promise<proto.HandshakeMessage> {
    const { public: ephemeral } = this.#ephemeral;
    this.sendFrame(proto.HandshakeMessage.encode({ clientHello: { ephemeral } }).finish());
    const frame = await this.#nextFrame();
    return proto.HandshakeMessage.decode(frame.subarray(3));
  }

  /** As a device that is not linked. */
  async register(): Promise<void> {
    const creds = initAuthCreds();
    await this.#handshake(generateRegistrationNode(creds, DEFAULT_CONNECTION_CONFIG), creds.noiseKey);
  }

  /** As a device that is linked. */
  async logIn({ creds: { me, noiseKey } }: AuthenticationState): Promise<void> {
    if (!me) throw new Error('the device is not linked');
    await this.#handshake(generateLoginNode(me.id, DEFAULT_CONNECTION_CONFIG), noiseKey);
  }

  async #handshake(payload: proto.IClientPayload, key: KeyPair): Promise<void> {
    const sealedKey = this.#noise.processHandshake(await this.hello(), key);
    const sealedPayload = this.#noise.encrypt(proto.ClientPayload.encode(payload).finish());
    const answered = this.#nextFrame();
    this.sendFrame(
      proto.HandshakeMessage.encode({ clientFinish: { static: sealedKey, payload: sealedPayload } }).finish(),
    );
    await this.#noise.finishInit();
    await answered;
  }

  async #nextFrame(): Promise<Buffer> {
    const [data]: unknown[] = await once(this.#socket, 'message');
    if (!Buffer.isBuffer(data)) throw new Error('not a frame');
    return data;
  }
}
