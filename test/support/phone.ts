import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Bubble, LiveEvent, PhoneState, Problem } from '../../src/channels/local/wire.ts';
import { PhoneClient } from '../../src/daemon/phone-client.ts';

const LOOK_AGAIN_MS = 20;
const PATIENCE_MS = 30_000;

interface Utterance {
  /** The same one when it is said again. */
  readonly id: string;
  readonly account: string;
  readonly text: string;
}

/** What a `POST /api/messages` came to. */
export interface Said {
  readonly status: number;
  readonly duplicate: boolean;
  readonly error: Problem['error'] | null;
}

const saidSchema = z.object({
  duplicate: z.boolean().default(false),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string() }).nullable().default(null),
});

/** The person at the local chat of a Parley in another process. All that it does fails when that process dies. */
export class Phone {
  readonly #url: string;
  readonly #client: PhoneClient;

  /** `url` as `parley start` prints it. */
  constructor(url: string) {
    this.#url = url;
    this.#client = new PhoneClient(url);
  }

  async say(utterance: Utterance): Promise<Said> {
    const response = await fetch(new URL('/api/messages', this.#url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(utterance),
    });
    return { status: response.status, ...saidSchema.parse(await response.json()) };
  }

  async state(): Promise<PhoneState> {
    const state = await this.#client.state();
    if (!state) throw new Error('nobody answers there');
    return state;
  }

  /** Resolves with the bubbles as soon as they are as expected. */
  async until(expected: (messages: readonly Bubble[]) => boolean): Promise<readonly Bubble[]> {
    const giveUp = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const { messages } = await this.state();
      if (expected(messages)) return messages;
      if (giveUp.aborted) throw new Error(`it did not come to that: ${messages.map(({ text }) => text).join('\n')}`);
      await pause(LOOK_AGAIN_MS);
    }
  }

  events(signal: AbortSignal): AsyncGenerator<LiveEvent> {
    return this.#client.events(signal);
  }
}
