import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { TokenBucket } from '../lib/allowance.ts';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { type Heartbeat, startHeartbeat } from '../lib/heartbeat.ts';
import type { Logger } from '../lib/logger.ts';
import { type AgentFrame, HUB_CLOSE, type HubFrame, readAgentFrame } from '../protocol/hub-frames.ts';

/** From the first byte to the `register` frame, in milliseconds. */
const REGISTER_WITHIN_MS = 10_000;
/** What somebody may send who has not registered yet, in bytes. */
const UNREGISTERED_BYTES = 16 * 1024;
/** How fast frames may come. One costs a token, and another for each 8 KiB of it. */
const FRAMES = { burst: 400, perSecond: 100 };
const BYTES_PER_TOKEN = 8 * 1024;
/** How many frames that are not understood are answered and not punished. */
const MISTAKES = { burst: 10, perSecond: 1 / 6 };
/** Bytes that wait to be read by the other side: from here on it is given no more work … */
const CONGESTED_BYTES = 1024 * 1024;
/** … and from here on it is given up. */
const HOPELESS_BYTES = 8 * CONGESTED_BYTES;
/** How long the other side has to agree to a close, in milliseconds. */
const CLOSE_WITHIN_MS = 2_000;
/** "Policy violation", RFC 6455, section 7.4.1. */
const POLICY_VIOLATION = 1008;

export interface ConnectionListener {
  /** The first frame is `register`. What is thrown is logged, and the other side is told that its frame failed. */
  frame(frame: AgentFrame): void | Promise<void>;
  /** Once, however it ended. */
  closed(): void;
}

interface ConnectionOptions {
  readonly socket: WebSocket;
  /** What the socket reads from. */
  readonly transport: Duplex;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One WebSocket of an agent: registering, then registered, then closing. Nothing that comes in on it can throw. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #transport: Duplex;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listener: ConnectionListener;
  readonly #frames: TokenBucket;
  readonly #mistakes: TokenBucket;
  readonly #heartbeat: Heartbeat;
  #state: 'registering' | 'registered' | 'closing' = 'registering';
  #cancelDeadline: () => void;
  #received = 0;
  #pings = 0;
  /** Who waits for the answer to which ping, in order. */
  #awaited: { readonly ping: number; readonly arrived: (arrived: boolean) => void }[] = [];

  constructor(
    { socket, transport, clock, logger }: ConnectionOptions,
    listener: (of: Connection) => ConnectionListener,
  ) {
    this.#socket = socket;
    this.#transport = transport;
    this.#clock = clock;
    this.#logger = logger;
    this.#listener = listener(this);
    this.#frames = new TokenBucket(FRAMES, clock);
    this.#mistakes = new TokenBucket(MISTAKES, clock);
    this.#heartbeat = startHeartbeat(
      clock,
      () => this.#ping(),
      () => socket.terminate(),
    );
    this.#cancelDeadline = clock.timer(clock.now() + REGISTER_WITHIN_MS, () =>
      this.refuse(HUB_CLOSE.notRegistered, 'Register within 10 seconds.'),
    );
    transport.on('data', this.#countBytes);
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('pong', (data) => this.#pong(data));
    socket.on('ping', () => this.#heartbeat.beat());
    socket.on('error', (error) => {
      logger.debug({ error: error.message }, 'a WebSocket failed');
      // ws has begun to close it, with the code that RFC 6455 has for what it was.
      this.close(POLICY_VIOLATION, '');
    });
    socket.once('close', () => this.#ended());
  }

  get isOpen(): boolean {
    return this.#state !== 'closing' && this.#socket.readyState === this.#socket.OPEN;
  }

  /** Whether the other side is slow to read what it was sent. */
  get isCongested(): boolean {
    return this.#socket.bufferedAmount > CONGESTED_BYTES;
  }

  /** False when it will certainly not arrive. */
  send(frame: HubFrame): boolean {
    const reaches = this.#reaches;
    if (reaches) this.#socket.send(JSON.stringify(frame), ignoreFailure);
    return reaches;
  }

  /** Sends whole frames as they are on the wire. Without compression, ws holds nothing back that these could overtake. */
  sendFrames(frames: Buffer): void {
    if (frames.length > 0 && this.#reaches) this.#transport.write(frames);
  }

  /** Whether all that was sent so far has arrived; resolves when that is known. A ping overtakes nothing. */
  arrived(): Promise<boolean> {
    if (!this.isOpen) return Promise.resolve(false);
    return new Promise((arrived) => {
      this.#ping();
      this.#awaited.push({ ping: this.#pings, arrived });
    });
  }

  /** From now on it has all the time and room of an agent. */
  register(): void {
    this.#state = 'registered';
    this.#cancelDeadline();
    this.#transport.off('data', this.#countBytes);
  }

  /** Says why, and closes. */
  refuse(code: number, error: string): void {
    this.send({ type: 'error', error });
    this.close(code, error);
  }

  /** The reason has at most 123 bytes. */
  close(code: number, reason: string): void {
    if (this.#state === 'closing') return;
    this.#state = 'closing';
    this.#cancelDeadline();
    this.#socket.close(code, reason);
    this.#cancelDeadline = this.#clock.timer(this.#clock.now() + CLOSE_WITHIN_MS, () => this.#socket.terminate());
  }

  /** Closes without asking. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** False, and it is given up, when far too much waits to be read. */
  get #reaches(): boolean {
    if (!this.isOpen) return false;
    if (this.#socket.bufferedAmount <= HOPELESS_BYTES) return true;
    this.#socket.terminate();
    return false;
  }

  readonly #countBytes = (chunk: Buffer): void => {
    this.#received += chunk.length;
    if (this.#received > UNREGISTERED_BYTES) this.#socket.terminate();
  };

  #receive(data: RawData, isBinary: boolean): void {
    if (!this.isOpen) return;
    this.#heartbeat.beat();
    if (isBinary || !Buffer.isBuffer(data)) return this.#mistake('Frames are text.');
    const cost = 1 + Math.floor(data.length / BYTES_PER_TOKEN);
    if (!this.#frames.take(cost)) return this.refuse(HUB_CLOSE.tooFast, 'Too many frames at once.');
    const read = readAgentFrame(data.toString());
    if ('problem' in read) return this.#mistake(read.problem);
    if ((read.frame.type === 'register') !== (this.#state === 'registering')) {
      return this.#mistake(this.#state === 'registering' ? 'Register first.' : 'You are registered already.');
    }
    void this.#handle(read.frame);
  }

  async #handle(frame: AgentFrame): Promise<void> {
    try {
      await this.#listener.frame(frame);
    } catch (error) {
      this.#logger.error({ type: frame.type, error: errorText(error) }, 'a frame could not be handled');
      this.send({ type: 'error', error: `Your ${frame.type} could not be handled; try again.` });
    }
  }

  #mistake(problem: string): void {
    if (this.#state === 'registering') return this.refuse(HUB_CLOSE.notRegistered, shortened(problem));
    if (!this.#mistakes.take()) return this.refuse(POLICY_VIOLATION, 'Too many frames that are not understood.');
    this.send({ type: 'error', error: problem });
  }

  #ping(): void {
    if (this.isOpen) this.#socket.ping(String(++this.#pings), undefined, ignoreFailure);
  }

  /** RFC 6455 lets the other side answer only the latest of several pings. */
  #pong(data: Buffer): void {
    this.#heartbeat.beat();
    const answered = Number(data.toString());
    while ((this.#awaited[0]?.ping ?? Number.POSITIVE_INFINITY) <= answered) this.#awaited.shift()?.arrived(true);
  }

  #ended(): void {
    this.#state = 'closing';
    this.#cancelDeadline();
    this.#heartbeat.stop();
    this.#transport.off('data', this.#countBytes);
    for (const { arrived } of this.#awaited.splice(0)) arrived(false);
    this.#listener.closed();
  }
}

/** A send that fails closes the socket, and that is told by itself. */
const ignoreFailure = (): void => undefined;

/** The reason of a close frame has room for 123 bytes. */
const shortened = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 120);
