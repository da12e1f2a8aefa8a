import { type Clock, systemClock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';

/** As the global one. */
export type Fetch = typeof globalThis.fetch;

/** What both clients may be given instead of the real thing. */
export interface ClientOptions {
  readonly fetch?: Fetch;
  readonly clock?: Clock;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  /** What `Retry-After` says, in milliseconds. */
  readonly retryAfterMs: number | null;
}

export interface Limits {
  /** How long it may take until all of the answer is there, in milliseconds. */
  readonly timeoutMs: number;
  /** The longest answer that is read. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Asks a server over HTTP: within limits, and nobody but the one that was named. */
export class Exchange {
  readonly #fetch: Fetch;
  readonly #clock: Clock;

  constructor({ fetch = globalThis.fetch, clock = systemClock }: ClientOptions) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** Whatever the status. Rejects with the reason of the signal, with a `TimeoutError`, or with what kept the answer away. */
  async ask(url: URL, init: RequestInit, { timeoutMs, maxBytes, signal }: Limits): Promise<Answer> {
    const deadline = new AbortController();
    const cancel = this.#clock.timer(this.#clock.now() + timeoutMs, () =>
      deadline.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
    );
    try {
      // A secret that is meant for one server is not shown to another.
      const response = await this.#fetch(url, {
        ...init,
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal,
      });
      const text = await textOf(response, maxBytes);
      return { status: response.status, text, retryAfterMs: retryAfterMs(response.headers) };
    } finally {
      cancel();
    }
  }
}

/** What is behind a failure of `fetch`, which itself says only that it failed. */
export function causeText(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? errorText(error.cause) : '';
  return cause || errorText(error);
}

/** The address of a server, with a slash at its end; null when it is none, or has more in it than an address. */
export function serverUrl(text: string, protocols: readonly string[]): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !protocols.includes(url.protocol)) return null;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return null;
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** RFC 9110, section 10.2.3; of its two forms only the seconds. */
function retryAfterMs(headers: Headers): number | null {
  const seconds = headers.get('retry-after') ?? '';
  return /^\d{1,9}$/.test(seconds) ? Number(seconds) * 1000 : null;
}

async function textOf({ body }: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Error(`its answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
