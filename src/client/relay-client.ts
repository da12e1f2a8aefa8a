import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { parseJson } from '../protocol/bounded-json.ts';
import type { MessageDraft } from '../protocol/message-v2.ts';
import { pollSubject, RELAY_HEADERS, relaySignature, statusSubject } from '../protocol/relay-auth.ts';
import { type ClientOptions, causeText, Exchange, serverUrl } from './exchange.ts';
import { isObject, isText } from './read.ts';
import {
  type RelayedMessage,
  type RelayHealth,
  type RelayStatus,
  readHandedOut,
  readHealth,
  readStatus,
} from './relay-answers.ts';
import { RelayError } from './relay-error.ts';
import { type MessagesOptions, type RelayDelivery, relayMessages } from './relay-messages.ts';

/** An agent's mailbox on a relay. */
export interface RelayAccount {
  /** Of the relay, http or https; may have a path. */
  readonly url: string;
  readonly agent: string;
  /** Which the agent shares with the relay. */
  readonly secret: string;
}

export type RelayClientOptions = RelayAccount & ClientOptions;

/** A MessageV2, or as much of one as there is to say: what is left out is filled in. */
export type RelayDraft = Omit<MessageDraft, 'from'> & { readonly from?: string | undefined };

export interface RelayRequestOptions {
  /** When it aborts, the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface RelayPoll extends RelayRequestOptions {
  /** The most messages; default 10. */
  readonly limit?: number | undefined;
  /** How long nobody else gets them, in seconds; default 60. */
  readonly leaseSeconds?: number | undefined;
  /** How long to wait until there is something, in seconds, up to 30; default 0. */
  readonly waitSeconds?: number | undefined;
  /**
   * A name of your own for one who polls again and again, one poll after the other, and settles all of one before the next: what he has
   * not settled was lost on its way, and is handed out again at once, not when the lease ends.
   */
  readonly poller?: string | undefined;
}

/** What others see of an agent. */
export interface RelayProfile {
  readonly name?: string | undefined;
  readonly capabilities?: readonly string[] | undefined;
  readonly device?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** How long the relay may take to answer, beside the time that it was asked to wait, in milliseconds. */
const ANSWER_MS = 10_000;
/** The longest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** The longest text of the relay's that is repeated, in characters. */
const MAX_REASON_CHARS = 500;

/** Speaks for one agent with one relay. What a call cannot do rejects with a RelayError. */
export class RelayClient {
  readonly #account: RelayAccount;
  readonly #base: URL;
  readonly #clock: Clock;
  readonly #exchange: Exchange;

  /** Throws INVALID_ADDRESS. */
  constructor({ url, agent, secret, ...options }: RelayClientOptions) {
    this.#account = { url, agent, secret };
    this.#base = relayUrl(url);
    this.#clock = options.clock ?? systemClock;
    this.#exchange = new Exchange(options);
  }

  /** Resolves when the relay has it durably. Sent again with its id, it is not stored again. */
  async send(draft: RelayDraft, options: RelayRequestOptions = {}): Promise<{ id: string; duplicate: boolean }> {
    const now = this.#clock.now();
    const { id = newId('msg', now), from = this.#account.agent, ...rest } = draft;
    const message = { version: '2.0', timestamp: new Date(now).toISOString(), ...rest, id, from };
    const answer = await this.#post('send', message, options);
    return { id, duplicate: isObject(answer) && answer['duplicate'] === true };
  }

  /** Takes messages out of the mailbox, for as long as their lease; waits for some if told to. */
  async poll(options: RelayPoll = {}): Promise<readonly RelayedMessage[]> {
    const { limit = 10, leaseSeconds = 60, waitSeconds = 0, poller, signal } = options;
    const { agent } = this.#account;
    const named = poller === undefined ? '' : `&poller=${encodeURIComponent(poller)}`;
    const query = `limit=${limit}&lease=${leaseSeconds}&wait=${waitSeconds}${named}`;
    const path = `poll/${encodeURIComponent(agent)}?${query}`;
    const init = { headers: this.#signed(pollSubject(agent)) };
    const messages = readHandedOut(await this.#ask(path, init, { signal, timeoutMs: waitSeconds * 1000 + ANSWER_MS }));
    return messages ?? this.#unexpected('messages');
  }

  /** The messages as they come, for ever or until the signal aborts. Each is to be acked or nacked; else it comes again. */
  messages(options: MessagesOptions = {}): AsyncGenerator<RelayDelivery, void, void> {
    return relayMessages(this, this.#clock, options);
  }

  /** It is done. */
  async ack(id: string, token?: string, options: RelayRequestOptions = {}): Promise<void> {
    await this.#post('ack', { message_id: id, agent: this.#account.agent, lease_token: token }, options);
  }

  /** Gives it back: it comes again at once, or is a dead letter once its attempts are used up. */
  async nack(id: string, token: string | undefined, reason: string, options: RelayRequestOptions = {}): Promise<void> {
    await this.#post('nack', { message_id: id, agent: this.#account.agent, lease_token: token, reason }, options);
  }

  /** How a message stands that this agent has sent, or that is for it. */
  async status(id: string, { signal }: RelayRequestOptions = {}): Promise<RelayStatus> {
    const init = { headers: this.#signed(statusSubject(id)) };
    const answer = await this.#ask(`status/${encodeURIComponent(id)}`, init, { signal });
    return readStatus(answer) ?? this.#unexpected('the status of a message');
  }

  /** Makes the agent known at the relay, or known better. */
  async register(profile: RelayProfile = {}, options: RelayRequestOptions = {}): Promise<void> {
    await this.#post('agents/register', { agent_id: this.#account.agent, ...profile }, options);
  }

  /** Whether the relay is there; nothing is signed. */
  async health({ signal }: RelayRequestOptions = {}): Promise<RelayHealth> {
    return readHealth(await this.#ask('health', {}, { signal })) ?? this.#unexpected('its health');
  }

  async #post(operation: string, content: object, { signal }: RelayRequestOptions): Promise<unknown> {
    const body = JSON.stringify(content);
    const headers = { ...this.#signed(body), 'content-type': 'application/json' };
    return this.#ask(operation, { method: 'POST', headers, body }, { signal });
  }

  #signed(subject: string): Record<string, string> {
    const { agent, secret } = this.#account;
    const timestamp = String(Math.floor(this.#clock.now() / 1000));
    const nonce = randomUUID();
    return {
      [RELAY_HEADERS.agent]: agent,
      [RELAY_HEADERS.timestamp]: timestamp,
      [RELAY_HEADERS.nonce]: nonce,
      [RELAY_HEADERS.signature]: relaySignature(secret, subject, timestamp, nonce),
    };
  }

  async #ask(
    path: string,
    init: RequestInit,
    { signal, timeoutMs = ANSWER_MS }: RelayRequestOptions & { readonly timeoutMs?: number },
  ): Promise<unknown> {
    const limits = { timeoutMs, maxBytes: MAX_ANSWER_BYTES, signal };
    const { status, text, retryAfterMs } = await this.#exchange
      .ask(new URL(`api/v1/${path}`, this.#base), init, limits)
      .catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : this.#unreached(error);
      });
    const answer = parseJson(text);
    if (status >= 200 && status < 300) return answer;
    throw this.#refusal(status, answer, retryAfterMs);
  }

  #refusal(status: number, answer: unknown, retryAfterMs: number | null): RelayError {
    const { error, code, hint } = isObject(answer) ? answer : {};
    const reason = `it answered ${status}${isText(error) ? `: ${error.slice(0, MAX_REASON_CHARS)}` : ''}`;
    return new RelayError(isText(code) ? code : `HTTP_${status}`, `The relay ${this.#base.origin} refused: ${reason}`, {
      hint: isText(hint) ? hint : 'See what is at this address, and the log of the relay.',
      reason,
      status,
      retryAfterMs,
    });
  }

  #unreached(cause: unknown): RelayError {
    const reason = causeText(cause);
    return new RelayError('UNREACHABLE', `The relay ${this.#base.origin} cannot be reached: ${reason}`, {
      hint: 'Try again later. What was sent may have arrived: send it again with its id.',
      reason,
      cause,
    });
  }

  #unexpected(expected: string): never {
    const reason = `it answered something else than ${expected}`;
    throw new RelayError('UNEXPECTED_ANSWER', `${this.#base.origin} is no relay: ${reason}`, {
      hint: 'Look at the address.',
      reason,
    });
  }
}

function relayUrl(text: string): URL {
  const url = serverUrl(text, ['http:', 'https:']);
  if (url) return url;
  throw new RelayError('INVALID_ADDRESS', `'${text}' is not the address of a relay.`, {
    hint: 'It is such as http://relay-host:8420 or https://relay.example.org.',
  });
}
