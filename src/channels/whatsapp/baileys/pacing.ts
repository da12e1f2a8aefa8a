import { type Clock, sleep } from '../../../lib/clock.ts';

/** How fast an account writes. A program that writes like a machine is banned. */
export interface Pace {
  /** Between two messages of an account, milliseconds. */
  readonly accountGapMs: number;
  /** Between two messages to one chat, milliseconds. */
  readonly chatGapMs: number;
}

export const HUMAN_PACE: Pace = { accountGapMs: 250, chatGapMs: 1_000 };

/** Up to this share of a gap is added at random. */
const JITTER = 0.5;

/** Keeps the messages of one account apart. */
export class Pacing {
  readonly #pace: Pace;
  readonly #clock: Clock;
  readonly #random: () => number;
  #accountFreeAt = 0;
  readonly #chatFreeAt = new Map<string, number>();

  constructor(pace: Pace, clock: Clock, random: () => number = Math.random) {
    this.#pace = pace;
    this.#clock = clock;
    this.#random = random;
  }

  /** Resolves when the next message to the chat may go, or as soon as the signal aborts. */
  async turn(chat: string, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    const at = Math.max(now, this.#accountFreeAt, this.#chatFreeAt.get(chat) ?? 0);
    // Before the wait, so that the next in line sees this one.
    for (const [other, freeAt] of this.#chatFreeAt) if (freeAt <= now) this.#chatFreeAt.delete(other);
    this.#accountFreeAt = at + this.#jittered(this.#pace.accountGapMs);
    this.#chatFreeAt.set(chat, at + this.#jittered(this.#pace.chatGapMs));
    if (at > now) await sleep(this.#clock, at - now, signal);
  }

  #jittered(ms: number): number {
    return ms * (1 + this.#random() * JITTER);
  }
}
