import { setTimeout as pause } from 'node:timers/promises';
import type { LiveEvent } from '../../src/channels/local/wire.ts';
import type { Phone } from '../support/phone.ts';
import type { ParleyProcess } from '../support/process.ts';
import { wholeNumber } from '../support/random.ts';

/** When a daemon is to get a signal: some milliseconds after its start or after something was said to it, or at its n-th event. */
export type Moment =
  | { readonly after: 'start' | 'words'; readonly ms: number }
  | { readonly after: 'events'; readonly count: number };

/** Long enough for a slow start, and for everything that follows from a person's words. */
const LATEST_MS = 1500;
/** A conversation without interruptions has some more. */
const MOST_EVENTS = 60;

/** Most at an event: while something happens is when there is something to lose. */
export function drawMoment(random: () => number): Moment {
  const draw = random();
  if (draw < 0.6) return { after: 'events', count: wholeNumber(random, 1, MOST_EVENTS) };
  // Early ones more often: much happens then, and little later.
  return { after: draw < 0.8 ? 'start' : 'words', ms: Math.floor(random() ** 2 * LATEST_MS) };
}

/** What a daemon was doing when it got the signal: it was starting, it handled deliveries, or neither. */
export type Doing = 'starting' | 'working' | 'idle';

/** Sends a daemon a signal when the moment has come, unless it is called off before. */
export class Interrupter {
  readonly #daemon: ParleyProcess;
  readonly #moment: Moment;
  readonly #signal: NodeJS.Signals;
  readonly #calledOff = new AbortController();
  /** The deliveries that agents have claimed and not settled; null until it takes messages. */
  #inHand: Set<string> | null = null;
  #events = 0;
  #struck: Doing | null = null;

  constructor(daemon: ParleyProcess, moment: Moment, signal: NodeJS.Signals) {
    this.#daemon = daemon;
    this.#moment = moment;
    this.#signal = signal;
    if (moment.after === 'start') this.#strikeAfter(moment.ms);
  }

  /** What the daemon was doing when the signal was sent; null while it was not. */
  get struck(): Doing | null {
    return this.#struck;
  }

  /** Follows what the daemon does, until it is gone or this is called off. */
  async watch(phone: Phone): Promise<void> {
    this.#inHand = new Set();
    for await (const event of phone.events(this.#calledOff.signal)) {
      this.#note(event, this.#inHand);
      this.#events += 1;
      if (this.#moment.after === 'events' && this.#events === this.#moment.count) this.#strike();
    }
  }

  /** Something is being said to the daemon. */
  hearWords(): void {
    if (this.#moment.after === 'words') this.#strikeAfter(this.#moment.ms);
  }

  callOff(): void {
    this.#calledOff.abort();
  }

  #note(change: LiveEvent, inHand: Set<string>): void {
    if (change.kind !== 'flow') return;
    const { id, to, what } = change.event;
    for (const recipient of to) {
      if (what === 'claimed') inHand.add(`${id} ${recipient}`);
      if (what === 'settled') inHand.delete(`${id} ${recipient}`);
    }
  }

  #strikeAfter(ms: number): void {
    pause(ms, null, { signal: this.#calledOff.signal }).then(
      () => this.#strike(),
      () => undefined,
    );
  }

  #strike(): void {
    if (this.#struck !== null || this.#calledOff.signal.aborted) return;
    if (this.#inHand === null) this.#struck = 'starting';
    else this.#struck = this.#inHand.size > 0 ? 'working' : 'idle';
    this.#daemon.signal(this.#signal);
  }
}
