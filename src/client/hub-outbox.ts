import { TokenBucket } from '../lib/allowance.ts';
import type { Clock } from '../lib/clock.ts';

/** A little less than the hub puts up with before it hangs up: a frame costs a token, and another for each 8 KiB of it. */
const FRAMES = { burst: 300, perSecond: 80 };
const BYTES_PER_TOKEN = 8 * 1024;
/** Bytes that the socket has not sent yet: from here on it is given no more. */
const CONGESTED_BYTES = 1024 * 1024;
/** How long to wait before looking again, in milliseconds: a WebSocket does not say when it has room. */
const LOOK_AGAIN_MS = 50;
/** What may wait here, in characters. */
const FULL_CHARS = 16 * 1024 * 1024;

interface Frame {
  readonly text: string;
  /** It is on its way. */
  readonly sent: (() => void) | undefined;
}

/** What an agent has to say to the hub, no faster than the hub and the socket take it. */
export class HubOutbox {
  readonly #socket: Pick<WebSocket, 'send' | 'bufferedAmount'>;
  readonly #clock: Clock;
  readonly #allowance: TokenBucket;
  readonly #waiting: Frame[] = [];
  #chars = 0;
  #cancel: (() => void) | null = null;

  constructor(socket: Pick<WebSocket, 'send' | 'bufferedAmount'>, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#allowance = new TokenBucket(FRAMES, clock);
  }

  get isFull(): boolean {
    return this.#chars > FULL_CHARS;
  }

  put(text: string, sent?: () => void): void {
    this.#waiting.push({ text, sent });
    this.#added(text);
  }

  /** Before all that waits. */
  putFirst(text: string, sent?: () => void): void {
    this.#waiting.unshift({ text, sent });
    this.#added(text);
  }

  /** What still waits is not sent any more. */
  stop(): void {
    this.#cancel?.();
    this.#waiting.length = 0;
  }

  #added(text: string): void {
    this.#chars += text.length;
    if (!this.#cancel) this.#flush();
  }

  #flush(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const cost = 1 + Math.floor(Buffer.byteLength(next.text) / BYTES_PER_TOKEN);
      if (this.#socket.bufferedAmount > CONGESTED_BYTES || !this.#allowance.take(cost)) return this.#lookAgain();
      this.#waiting.shift();
      this.#chars -= next.text.length;
      this.#socket.send(next.text);
      next.sent?.();
    }
  }

  #lookAgain(): void {
    this.#cancel = this.#clock.timer(this.#clock.now() + LOOK_AGAIN_MS, () => {
      this.#cancel = null;
      this.#flush();
    });
  }
}
