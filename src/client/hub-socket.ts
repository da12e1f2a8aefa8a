import type { Clock } from '../lib/clock.ts';
import { type Heartbeat, startHeartbeat } from '../lib/heartbeat.ts';
import { HubError } from './hub-error.ts';
import { type FromHub, readFrame, type ToHub } from './hub-frames.ts';
import { HubOutbox } from './hub-outbox.ts';

/** How long it may take until the hub has registered us, and until it agrees to a close, in milliseconds. */
const REGISTER_WITHIN_MS = 15_000;
const CLOSE_WITHIN_MS = 2_000;
/** RFC 6455, section 7.4.1: "normal closure", and what a socket says of itself that just ended. */
const NORMAL_CLOSURE = 1000;
const ABNORMAL_CLOSURE = 1006;

/** How a socket ended. */
export interface Ending {
  readonly code: number;
  /** In the words of the hub, or of this side. */
  readonly reason: string;
}

export interface HubSocketListener {
  registered(as: Extract<FromHub, { type: 'registered' }>): void;
  received(frame: Exclude<FromHub, { type: 'registered' | 'pong' }>): void;
  /** Once, however it ended. */
  closed(ending: Ending): void;
}

/** One WebSocket to the hub: connecting, then registered, then over. */
export class HubSocket {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #listener: HubSocketListener;
  readonly #outbox: HubOutbox;
  /** What the answer to each ping means that was sent, in order. */
  readonly #pings: (() => void)[] = [];
  /** Who waits to know that all was read. */
  readonly #readers = new Set<(error?: HubError) => void>();
  #cancelDeadline: () => void;
  #heartbeat: Heartbeat | null = null;
  #wasOpen = false;
  #isOver = false;

  /** `register` is the first frame. */
  constructor(url: URL, register: object, clock: Clock, listener: HubSocketListener) {
    this.#clock = clock;
    this.#listener = listener;
    this.#socket = new WebSocket(url);
    this.#outbox = new HubOutbox(this.#socket, clock);
    this.#cancelDeadline = clock.timer(clock.now() + REGISTER_WITHIN_MS, () =>
      this.#drop('The hub did not answer in time.'),
    );
    this.#socket.addEventListener('open', () => {
      this.#wasOpen = true;
      if (!this.#isOver) this.#socket.send(JSON.stringify(register));
    });
    this.#socket.addEventListener('message', ({ data }) => this.#receive(data));
    // What comes of an error is told by the close after it.
    this.#socket.addEventListener('error', () => undefined);
    this.#socket.addEventListener('close', ({ code, reason }) => {
      const own = this.#wasOpen ? 'The connection was lost.' : 'The hub cannot be reached.';
      this.#end({ code, reason: reason || own });
    });
  }

  /** Whether so much waits to be sent that there had better not come more. */
  get isFull(): boolean {
    return this.#outbox.isFull;
  }

  send(frame: ToHub): void {
    if (!this.#isOver) this.#outbox.put(JSON.stringify(frame));
  }

  /** Resolves when the hub has read all that was sent before; rejects with `unavailable` when it cannot be known any more. */
  read(): Promise<void> {
    if (this.#isOver) return Promise.reject(lost());
    return new Promise((resolve, reject) => {
      const settle = (error?: HubError): void => {
        this.#readers.delete(settle);
        if (error) reject(error);
        else resolve();
      };
      this.#readers.add(settle);
      this.#outbox.put(PING, () => this.#pings.push(settle));
    });
  }

  close(): void {
    this.#cancelDeadline();
    this.#cancelDeadline = this.#clock.timer(this.#clock.now() + CLOSE_WITHIN_MS, () =>
      this.#drop('The hub did not close in time.'),
    );
    this.#socket.close(NORMAL_CLOSURE);
  }

  #receive(data: unknown): void {
    if (this.#isOver) return;
    this.#heartbeat?.beat();
    const frame = readFrame(data);
    if (frame?.type === 'pong') this.#pings.shift()?.();
    else if (frame?.type === 'registered') this.#registered(frame);
    else if (frame) this.#listener.received(frame);
  }

  #registered(frame: Extract<FromHub, { type: 'registered' }>): void {
    if (this.#heartbeat) return;
    this.#cancelDeadline();
    this.#heartbeat = startHeartbeat(
      this.#clock,
      // A sign of life does not wait until all else is sent.
      () => this.#outbox.putFirst(PING, () => this.#pings.push(() => undefined)),
      () => this.#drop('The hub gave no sign of life.'),
    );
    this.#listener.registered(frame);
  }

  /** Does not wait for the other side, which may not be there any more. */
  #drop(reason: string): void {
    this.#end({ code: ABNORMAL_CLOSURE, reason });
    this.#socket.close();
  }

  #end(ending: Ending): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelDeadline();
    this.#heartbeat?.stop();
    this.#outbox.stop();
    for (const settle of [...this.#readers]) settle(lost());
    this.#listener.closed(ending);
  }
}

const PING = JSON.stringify({ type: 'ping' });

const lost = (): HubError => new HubError('unavailable', 'The connection to the hub was lost.');
