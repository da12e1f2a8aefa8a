import { type Backoff, backoffDelay } from '../lib/backoff.ts';
import { type Clock, sleep } from '../lib/clock.ts';
import type { Json } from '../lib/json.ts';
import { HubError } from './hub-error.ts';
import { CLOSE_CODES, type FromHub, HUB_MOST_BYTES, type HubEvent, sendable } from './hub-frames.ts';
import { type Ending, HubSocket } from './hub-socket.ts';
import { HubTasks, type OnTask } from './hub-tasks.ts';

/** What the callbacks other than `onTask` throw is not caught. */
export interface JoinOptions {
  /** At most 64 letters, digits and . _ @ + -; one agent has it at a time. */
  readonly name: string;
  readonly workspace?: string | undefined;
  readonly skills?: readonly string[] | undefined;
  readonly onTask: OnTask;
  /** Another agent has sent this. */
  readonly onMessage?: ((from: string, message: Json) => void) | undefined;
  /** An agent has come or gone, or the hub is about to stop. */
  readonly onEvent?: ((event: HubEvent) => void) | undefined;
  /** Why the hub did not do something, such as pass on a message. */
  readonly onError?: ((text: string) => void) | undefined;
  readonly onState?: ((state: HubState) => void) | undefined;
}

/** `refused`: the secret is wrong, or another agent has the name; it is tried again each minute. */
export type HubState =
  | { readonly status: 'connecting' }
  | { readonly status: 'connected'; readonly agentId: string }
  | { readonly status: 'waiting'; readonly error: HubError; readonly retryInMs: number }
  | { readonly status: 'refused'; readonly error: HubError; readonly retryInMs: number }
  | { readonly status: 'stopped' };

/** How to reach the hub. */
interface Way {
  readonly url: URL;
  readonly secret: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

/** The hub keeps the tasks of an agent for 15 s; the first attempts come soon. */
const BACKOFF: Backoff = { baseMs: 500, maxMs: 30_000 };
/** When the hub has said that it is too much. */
const CROWDED: Backoff = { baseMs: 5_000, maxMs: 60_000 };
const REFUSED: Backoff = { baseMs: 60_000, maxMs: 60_000 };
/** A connection that has lasted this long, in milliseconds, ended for a new reason: the waiting begins anew. */
const STEADY_MS = 30_000;
/** How long a stop waits until the hub has read the last answers, in milliseconds. */
const LAST_ANSWERS_MS = 5_000;

/** An agent on the hub. It comes back by itself, for ever, and takes its own place when the hub does not know yet that it was away. */
export class HubConnection implements AsyncDisposable {
  /**
   * Resolves when it is registered for the first time. Rejects with `refused` when it is refused at first, though that is tried
   * again, and with `unavailable` when it is stopped before.
   */
  readonly ready: Promise<{ readonly agentId: string }>;
  readonly #way: Way;
  readonly #options: JoinOptions;
  readonly #tasks: HubTasks;
  readonly #stopping = new AbortController();
  readonly #first = Promise.withResolvers<{ readonly agentId: string }>();
  readonly #loop: Promise<void>;
  #session: string | undefined;
  /** The one that is registered. */
  #socket: HubSocket | null = null;
  #state: HubState = { status: 'connecting' };

  /** Begins at once. */
  constructor(way: Way, options: JoinOptions) {
    this.#way = way;
    this.#options = options;
    this.#tasks = new HubTasks({
      onTask: options.onTask,
      clock: way.clock,
      say: (frame) => this.#socket?.send(frame),
    });
    this.ready = this.#first.promise;
    // It is told by the state as well; nobody has to look here.
    this.ready.catch(() => undefined);
    this.#loop = this.#run();
  }

  get state(): HubState {
    return this.#state;
  }

  /**
   * Sends another agent something; resolves when the hub has read it. Rejects with `unavailable` when there is no connection, or
   * it was lost meanwhile; with `full` when too much waits to be sent; with `too-large`.
   */
  async send(target: string, message: Json): Promise<void> {
    const content = sendable(message);
    if (!content) throw new HubError('too-large', `A message is JSON of at most ${HUB_MOST_BYTES} bytes.`);
    if (!this.#socket) throw new HubError('unavailable', 'There is no connection to the hub.');
    if (this.#socket.isFull) throw new HubError('full', 'Too much waits to be sent.');
    this.#socket.send({ type: 'agent-message', target, message: content.json });
    await this.#socket.read();
  }

  /**
   * Takes no more tasks, answers those in hand, and leaves. When `giveUp` aborts, so do their signals, and they are not answered:
   * the hub gives those that were queued again.
   */
  async stop(giveUp?: AbortSignal): Promise<void> {
    await this.#tasks.drain(giveUp);
    await this.#flush(giveUp);
    this.#stopping.abort();
    await this.#loop;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    const { clock } = this.#way;
    const { signal } = this.#stopping;
    for (let failures = 1; !signal.aborted; failures++) {
      const since = clock.now();
      const ending = await this.#connect(signal);
      if (signal.aborted) break;
      if (clock.now() - since >= STEADY_MS) failures = 1;
      await this.#wait(ending, failures, signal);
    }
    this.#first.reject(new HubError('unavailable', 'It was stopped before it was registered.'));
    this.#enter({ status: 'stopped' });
  }

  /** Resolves when the connection is over. */
  #connect(signal: AbortSignal): Promise<Ending> {
    const { url, secret, clock } = this.#way;
    const { name, workspace, skills } = this.#options;
    const register = { type: 'register', name, workspace, skills, secret, session: this.#session };
    return new Promise((resolve) => {
      const close = (): void => socket.close();
      const socket = new HubSocket(url, register, clock, {
        registered: ({ agentId, session }) => {
          this.#session = session;
          this.#socket = socket;
          this.#first.resolve({ agentId });
          this.#enter({ status: 'connected', agentId });
        },
        received: (frame) => this.#receive(frame),
        closed: (ending) => {
          signal.removeEventListener('abort', close);
          this.#socket = null;
          resolve(ending);
        },
      });
      signal.addEventListener('abort', close, { once: true });
    });
  }

  async #wait(ending: Ending, failures: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#way;
    const error = errorOf(ending, this.#state);
    const retryInMs = delay(error, failures, random);
    if (error.code === 'refused') this.#first.reject(error);
    this.#enter({ status: error.code === 'refused' ? 'refused' : 'waiting', error, retryInMs });
    await sleep(clock, retryInMs, signal);
    if (!signal.aborted) this.#enter({ status: 'connecting' });
  }

  #receive(frame: Exclude<FromHub, { type: 'registered' | 'pong' }>): void {
    const { onMessage, onEvent, onError } = this.#options;
    switch (frame.type) {
      case 'task':
        return this.#tasks.give(frame.task);
      case 'agent-message':
        return onMessage?.(frame.from, frame.message);
      case 'event':
        return onEvent?.(frame.event);
      case 'error':
        return onError?.(frame.error);
    }
  }

  /** Resolves when the hub has read all answers, or will not. */
  async #flush(giveUp?: AbortSignal): Promise<void> {
    const { clock } = this.#way;
    const over = new AbortController();
    const read = this.#socket?.read().catch(() => undefined);
    const signal = giveUp ? AbortSignal.any([giveUp, over.signal]) : over.signal;
    await Promise.race([read, sleep(clock, LAST_ANSWERS_MS, signal)]);
    over.abort();
  }

  #enter(state: HubState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}

function errorOf({ code, reason }: Ending, { status }: HubState): HubError {
  switch (code) {
    case CLOSE_CODES.notRegistered:
      // Said of an agent that was registered, it is a connection that was taken over.
      return new HubError(status === 'connected' ? 'unavailable' : 'refused', reason);
    case CLOSE_CODES.refused:
      return new HubError('refused', reason);
    case CLOSE_CODES.full:
      return new HubError('full', reason);
    case CLOSE_CODES.tooManyConnections:
    case CLOSE_CODES.tooFast:
      return new HubError('rate-limited', reason);
    default:
      return new HubError('unavailable', reason);
  }
}

/** With full jitter: a hub that starts again does not get all its agents at once. */
function delay({ code }: HubError, failures: number, random: () => number): number {
  if (code === 'refused') return backoffDelay(failures, REFUSED, random);
  if (code !== 'unavailable') return backoffDelay(failures, CROWDED, random);
  return Math.round(backoffDelay(failures, BACKOFF, () => 0) * random());
}
