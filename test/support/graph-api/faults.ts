import { GraphError } from './errors.ts';

/** An answer that a test asks for. */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'error'; readonly error: GraphError }
  | { readonly kind: 'page'; readonly status: number }
  | { readonly kind: 'lose'; readonly accept: boolean };

/** What goes wrong with the next messages, in the order in which it was asked for. */
export class Faults {
  readonly #next: Fault[] = [];
  #held: Promise<void> | null = null;

  /** Nothing goes wrong with the next `count` messages. */
  pass(count = 1): void {
    for (let i = 0; i < count; i++) this.#next.push({ kind: 'none' });
  }

  /** The next `count` messages are answered with this error. */
  fail(code: number, { status, details, count = 1 }: { status?: number; details?: string; count?: number } = {}): void {
    const error = new GraphError(code, details, status);
    for (let i = 0; i < count; i++) this.#next.push({ kind: 'error', error });
  }

  /** The next message is answered by something else than the Graph API, such as a proxy. */
  answerWithPage(status: number): void {
    this.#next.push({ kind: 'page', status });
  }

  /** The next message is taken, and the connection breaks before the answer; with `accept: false` it breaks before that. */
  loseAnswer({ accept = true, count = 1 }: { accept?: boolean; count?: number } = {}): void {
    for (let i = 0; i < count; i++) this.#next.push({ kind: 'lose', accept });
  }

  /** Nothing is answered until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    return resolve;
  }

  /** Waits while requests are held; the fault of the next message. */
  async take(): Promise<Fault | null> {
    await this.#held;
    return this.#next.shift() ?? null;
  }
}
