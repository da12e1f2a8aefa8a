import type { Clock } from '../../../src/lib/clock.ts';
import { GraphError } from './errors.ts';

/** Whoever is on the other side: a person, or a group. */
export type ChatId = string;

const WINDOW_MS = 24 * 3_600_000;
/** One message in 6 seconds, and 45 at once that have to be made up for. */
const REFILL_MS = 6_000;
const BURST = 45;

interface Allowance {
  readonly left: number;
  readonly at: number;
}

/** What WhatsApp lets a number send into a chat: within 24 hours of the last message from there, and not too fast. */
export class Conversations {
  readonly #clock: Clock;
  readonly #lastInbound = new Map<ChatId, number>();
  readonly #allowances = new Map<ChatId, Allowance>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  openWindow(chat: ChatId): void {
    this.#lastInbound.set(chat, this.#clock.now());
  }

  isOpen(chat: ChatId): boolean {
    const last = this.#lastInbound.get(chat);
    return last !== undefined && this.#clock.now() - last < WINDOW_MS;
  }

  /** Throws 131056. */
  spend(chat: ChatId): void {
    const now = this.#clock.now();
    const { left, at } = this.#allowances.get(chat) ?? { left: BURST, at: now };
    const allowance = Math.min(BURST, left + (now - at) / REFILL_MS);
    if (allowance < 1) throw new GraphError(131056, 'Too many messages to the same person.');
    this.#allowances.set(chat, { left: allowance - 1, at: now });
  }
}
