import { systemClock } from '../lib/clock.ts';
import type { Json } from '../lib/json.ts';
import { parseJson } from '../protocol/bounded-json.ts';
import { type ClientOptions, causeText, Exchange, serverUrl } from './exchange.ts';
import {
  type HubAgent,
  type HubHealth,
  type HubResult,
  type HubTaskStatus,
  readAgents,
  readHealth,
  readResult,
  readResults,
  readTaskId,
  readTaskStatus,
} from './hub-answers.ts';
import { HubConnection, type JoinOptions } from './hub-connection.ts';
import { HubError, type HubErrorCode } from './hub-error.ts';
import { fits, HUB_MOST_BYTES } from './hub-frames.ts';
import { isObject, isText } from './read.ts';

export interface HubClientOptions extends ClientOptions {
  /** Of the hub: http, https, ws or wss, whichever of its doors is meant; may have a path. */
  readonly url: string;
  /** What the hub has as HUB_SECRET. */
  readonly secret?: string | undefined;
  /** At least 0, below 1: so that many agents do not come back together. */
  readonly random?: () => number;
}

export interface HubRequestOptions {
  /** How long to wait for the answer, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** When it aborts, the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface BroadcastOptions extends HubRequestOptions {
  /** Who gives the task; what the agents are told. */
  readonly sender?: string | undefined;
}

export interface TaskOptions extends BroadcastOptions {
  /** Yours, to find the task again: queued twice, it is one task. */
  readonly id?: string | undefined;
}

const ANSWER_MS = 10_000;
/** The hub gives an agent two minutes. */
const TASK_MS = 130_000;
/** A broadcast has an answer of every agent. */
const MAX_ANSWER_BYTES = 128 * HUB_MOST_BYTES;

const CODES: Readonly<Record<number, HubErrorCode>> = {
  400: 'bad-request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'unknown-agent',
  409: 'id-taken',
  413: 'too-large',
  429: 'rate-limited',
  501: 'no-database',
  502: 'agent-failed',
  504: 'timeout',
};

/** An Agent Hub, for those who give tasks and for agents. What a call cannot do rejects with a HubError. */
export class HubClient {
  readonly #options: HubClientOptions;
  readonly #base: URL;
  readonly #exchange: Exchange;

  /** Throws `invalid-address`. */
  constructor(options: HubClientOptions) {
    this.#options = options;
    this.#base = hubUrl(options.url);
    this.#exchange = new Exchange(options);
  }

  async health(options: HubRequestOptions = {}): Promise<HubHealth> {
    return this.#get('health', readHealth, options);
  }

  /** Who is connected. */
  async agents(options: HubRequestOptions = {}): Promise<readonly HubAgent[]> {
    return this.#get('agents', readAgents, options);
  }

  /** Gives an agent that is connected a task; resolves with its response. */
  async task(
    agent: string,
    message: string,
    { sender, id, timeoutMs = TASK_MS, signal }: TaskOptions = {},
  ): Promise<Json> {
    const result = await this.#post('task', { agent, message, sender, id }, readResult, { timeoutMs, signal });
    if (result.success) return result.response;
    throw new HubError('agent-failed', result.error);
  }

  /** Gives every agent that is connected the same task; resolves with what each made of it. */
  async broadcast(
    message: string,
    { sender, timeoutMs = TASK_MS, signal }: BroadcastOptions = {},
  ): Promise<readonly HubResult[]> {
    return this.#post('broadcast', { message, sender }, readResults, { timeoutMs, signal });
  }

  /** Gives an agent a task that waits until it is there; resolves with the task's id when it is on the hub's disk. */
  async queue(agent: string, message: string, { sender, id, ...options }: TaskOptions = {}): Promise<string> {
    return this.#post('task', { agent, message, sender, id, queue: true }, readTaskId, options);
  }

  /** How far a queued task is; with `waitSeconds` (at most 60), the hub waits so long for its end before it says. */
  async taskStatus(
    id: string,
    { waitSeconds = 0, timeoutMs = ANSWER_MS, signal }: HubRequestOptions & { readonly waitSeconds?: number } = {},
  ): Promise<HubTaskStatus> {
    const path = `tasks/${encodeURIComponent(id)}?wait=${waitSeconds}`;
    return this.#get(path, readTaskStatus, { timeoutMs: timeoutMs + waitSeconds * 1000, signal });
  }

  /** Makes this program an agent on the hub, from now on until it is stopped. */
  join(options: JoinOptions): HubConnection {
    const { secret, clock = systemClock, random = Math.random } = this.#options;
    const url = new URL('ws', this.#base);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return new HubConnection({ url, secret, clock, random }, options);
  }

  #get<T>(path: string, read: (answer: unknown) => T | null, options: HubRequestOptions): Promise<T> {
    return this.#ask(path, {}, read, options);
  }

  async #post<T>(
    path: string,
    content: object,
    read: (answer: unknown) => T | null,
    options: HubRequestOptions,
  ): Promise<T> {
    const body = JSON.stringify(content);
    // The hub would hang up in the middle of it.
    if (!fits(body)) throw new HubError('too-large', `A request has at most ${HUB_MOST_BYTES} bytes.`);
    const headers = { 'content-type': 'application/json' };
    return this.#ask(path, { method: 'POST', headers, body }, read, options);
  }

  async #ask<T>(
    path: string,
    { headers, ...init }: RequestInit & { readonly headers?: Record<string, string> },
    read: (answer: unknown) => T | null,
    { timeoutMs = ANSWER_MS, signal }: HubRequestOptions,
  ): Promise<T> {
    const { secret } = this.#options;
    const authorization = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    const limits = { timeoutMs, maxBytes: MAX_ANSWER_BYTES, signal };
    const { status, text, retryAfterMs } = await this.#exchange
      .ask(new URL(path, this.#base), { ...init, headers: { ...headers, ...authorization } }, limits)
      .catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : unanswered(this.#base, error);
      });
    const answer = parseJson(text);
    if (status < 200 || status >= 300) throw refusal(path, status, answer, retryAfterMs);
    const value = read(answer);
    if (value !== null) return value;
    throw new HubError('unavailable', `${this.#base.origin} answered something that no hub does.`, { status });
  }
}

/** `ws://hub:8090/ws` and `http://hub:8090` are one hub. */
function hubUrl(text: string): URL {
  const url = serverUrl(text.replace(/^ws(?=s?:)/i, 'http'), ['http:', 'https:']);
  if (!url) throw new HubError('invalid-address', `'${text}' is not the address of a hub.`);
  url.pathname = url.pathname.replace(/\/ws\/$/, '/');
  return url;
}

function unanswered({ origin }: URL, error: unknown): HubError {
  return error instanceof DOMException && error.name === 'TimeoutError'
    ? new HubError('timeout', `The hub ${origin} did not answer in time.`, { cause: error })
    : new HubError('unavailable', `The hub ${origin} cannot be reached: ${causeText(error)}`, { cause: error });
}

function refusal(path: string, status: number, answer: unknown, retryAfterMs: number | null): HubError {
  const said = isObject(answer) ? answer['error'] : null;
  const message = isText(said) ? said : `The hub answered ${status}.`;
  const code = status === 404 && path.startsWith('tasks/') ? 'unknown-task' : (CODES[status] ?? 'unavailable');
  return new HubError(code, message, { status, retryAfterMs });
}
