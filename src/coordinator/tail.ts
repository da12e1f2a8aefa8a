import type { DeliveryStatus } from '../domain/delivery.ts';
import type { Clock } from '../lib/clock.ts';
import { nameOf } from '../protocol/message-v2.ts';
import type { DeliveryChange, SpoolArchive } from '../spool/archive.ts';
import type { Spool } from '../spool/spool.ts';

/** How often it is looked whether another process has written something, in milliseconds: one small read. */
const LOOK_MS = 250;

/** Something that happened to a message on its way to one recipient. */
export interface TailEvent {
  /** When it was seen, epoch milliseconds. */
  readonly at: number;
  readonly event: DeliveryChange['event'];
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly conversation: string;
  /** `queued` of something settled: it was handed back. */
  readonly status: DeliveryStatus;
  readonly attempt: number;
  readonly reason: string | null;
}

export interface TailFilter {
  /** The sender or the recipient. */
  readonly agent?: string;
  readonly conversation?: string;
}

/** Everything that happens from now on, in this process and in others, until the signal aborts. */
export async function* tail(
  { spool, archive, clock }: { readonly spool: Spool; readonly archive: SpoolArchive; readonly clock: Clock },
  { agent, conversation }: TailFilter,
  signal: AbortSignal,
): AsyncGenerator<TailEvent, void, undefined> {
  const follower = archive.follow();
  const news = new News(spool, archive, clock, signal);
  try {
    while (!signal.aborted) {
      for (const change of follower.look()) {
        const event = toEvent(change, clock.now());
        const wanted =
          (agent === undefined || event.from === agent || event.to === agent) &&
          (conversation === undefined || event.conversation === conversation);
        if (wanted) yield event;
      }
      await news.next();
    }
  } finally {
    news.stop();
  }
}

/** Whether anything was written, here (the spool says so) or elsewhere (the version of the database does). */
class News {
  readonly #archive: SpoolArchive;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #unsubscribe: readonly (() => void)[];
  #version: number;
  #here = false;
  #wake: () => void = () => undefined;

  constructor(spool: Spool, archive: SpoolArchive, clock: Clock, signal: AbortSignal) {
    this.#archive = archive;
    this.#clock = clock;
    this.#signal = signal;
    this.#version = archive.version();
    const onEvent = (): void => {
      this.#here = true;
      this.#wake();
    };
    this.#unsubscribe = (['accepted', 'claimed', 'settled'] as const).map((name) => spool.on(name, onEvent));
  }

  /** Resolves when there is something to look for, or the signal aborts. */
  async next(): Promise<void> {
    while (!this.#here && !this.#signal.aborted && !this.#elsewhere()) await this.#pause();
    this.#here = false;
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #elsewhere(): boolean {
    const version = this.#archive.version();
    const changed = version !== this.#version;
    this.#version = version;
    return changed;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.timer(this.#clock.now() + LOOK_MS, done);
      this.#wake = done;
      this.#signal.addEventListener('abort', done, { once: true });
    });
  }
}

function toEvent(
  { event, id, from, to, subject, conversation, status, attempts, reason }: DeliveryChange,
  at: number,
): TailEvent {
  return {
    at,
    event,
    id,
    from: nameOf(from),
    to: nameOf(to),
    subject,
    conversation,
    status,
    attempt: attempts,
    reason,
  };
}
