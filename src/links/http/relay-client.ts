import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ParleyError } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { errorText } from '../../lib/errors.ts';
import { parseJson } from '../../protocol/bounded-json.ts';
import type { MessageV2 } from '../../protocol/message-v2.ts';
import { pollSubject, RELAY_HEADERS, relaySignature } from '../../protocol/relay-auth.ts';

/** An agent's mailbox on a relay. */
export interface RelayAccount {
  /** Of the relay, http or https; may have a path. */
  readonly url: string;
  readonly agent: string;
  /** Which the agent shares with the relay. */
  readonly secret: string;
}

/** A message that the relay has handed out. */
export interface RelayedMessage {
  /** null when the relay did not say it, and it cannot be settled. */
  readonly id: string | null;
  readonly token: string | undefined;
  /** What it handed out, without what it said of the lease. Not yet checked. */
  readonly message: unknown;
}

export interface RelayPoll {
  readonly limit: number;
  readonly leaseSeconds: number;
  readonly waitSeconds: number;
}

/** How long the relay may take to answer, beside the time that it was asked to wait, in milliseconds. */
const ANSWER_MS = 10_000;
/** The longest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** What is said of these is that the way is closed for now; of the other 4xx, that the message is at fault. */
const NOT_NOW: readonly number[] = [401, 408, 425, 429];

/** What a relay adds to a message that it hands out. */
const LEASE_FIELDS: readonly string[] = ['attempt', 'max_attempts', 'lease_token', 'lease_expires_at'];

const refusalSchema = z.object({ error: z.string(), code: z.string().optional() });
const handedOutSchema = z.object({
  messages: z.array(z.record(z.string(), z.unknown())),
});
const idSchema = z.string().nullable().catch(null);
const tokenSchema = z.string().optional().catch(undefined);

/** What the relay refused for good. */
export class RelayRefusal extends ParleyError {
  /** The relay's code, such as ID_TAKEN; empty when it gave none. */
  readonly reason: string;

  constructor(message: string, reason: string) {
    super('MESSAGE_INVALID', message);
    this.reason = reason;
  }
}

/**
 * Speaks for one agent with one relay. Rejects with a RelayRefusal for what the relay will never take, with CONFIG_INVALID when the
 * address or the secret is wrong, and with CHANNEL_SEND_FAILED when it is only not possible now.
 */
export class RelayClient {
  readonly #account: RelayAccount;
  readonly #base: URL;
  readonly #clock: Clock;

  constructor(account: RelayAccount, { clock }: { readonly clock: Clock }) {
    this.#account = account;
    this.#base = relayUrl(account.url);
    this.#clock = clock;
  }

  /** Resolves when the relay has it durably. Sent again, it is not stored again. */
  async send(message: MessageV2): Promise<void> {
    await this.#post('send', message);
  }

  /** Waits at the relay until there is something, or the time is over. */
  async poll({ limit, leaseSeconds, waitSeconds }: RelayPoll, signal: AbortSignal): Promise<readonly RelayedMessage[]> {
    const { agent } = this.#account;
    const query = `limit=${limit}&lease=${leaseSeconds}&wait=${waitSeconds}`;
    const answer = await this.#request(`poll/${encodeURIComponent(agent)}?${query}`, {
      headers: this.#signed(pollSubject(agent)),
      signal: AbortSignal.any([signal, AbortSignal.timeout(waitSeconds * 1000 + ANSWER_MS)]),
    });
    const handedOut = handedOutSchema.safeParse(answer);
    if (!handedOut.success) throw closed(this.#base, 'it answered something else than messages');
    return handedOut.data.messages.map(relayed);
  }

  async ack(id: string, token: string | undefined): Promise<void> {
    await this.#post('ack', { message_id: id, agent: this.#account.agent, lease_token: token });
  }

  async nack(id: string, token: string | undefined, reason: string): Promise<void> {
    await this.#post('nack', { message_id: id, agent: this.#account.agent, lease_token: token, reason });
  }

  async #post(operation: string, content: object): Promise<void> {
    const body = JSON.stringify(content);
    await this.#request(operation, {
      method: 'POST',
      headers: { ...this.#signed(body), 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
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

  async #request(operation: string, init: RequestInit): Promise<unknown> {
    const { status, text } = await this.#exchange(new URL(`api/v1/${operation}`, this.#base), init);
    const answer = parseJson(text);
    if (status >= 200 && status < 300) return answer;
    const refusal = refusalSchema.safeParse(answer).data;
    const said = `it answered ${status}${refusal ? `: ${refusal.error.slice(0, 500)}` : ''}`;
    if (status === 401) {
      throw new ParleyError(
        'CONFIG_INVALID',
        `The relay ${this.#base.origin} does not know '${this.#account.agent}': ${said}`,
        {
          hint: `Make a secret on the relay (parley relay gen-secret ${this.#account.agent}), give it to this machine as AGENT_COMM_SECRET_${this.#account.agent}, and let both clocks follow NTP.`,
        },
      );
    }
    if (status >= 500 || status < 400 || NOT_NOW.includes(status)) throw closed(this.#base, said);
    throw new RelayRefusal(`The relay ${this.#base.origin} refused it: ${said}`, refusal?.code ?? '');
  }

  /** Redirects are not followed: what is signed for one relay is not shown to another. */
  async #exchange(url: URL, init: RequestInit): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const response = await fetch(url, { ...init, redirect: 'error' });
      return { status: response.status, text: await textOf(response) };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? errorText(error.cause) : errorText(error);
      throw closed(this.#base, cause || errorText(error), error);
    }
  }
}

/** The address of a relay, with a slash at its end. Throws CONFIG_INVALID. */
function relayUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (
    !url ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.username !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw new ParleyError('CONFIG_INVALID', `'${text}' is not the address of a relay.`, {
      hint: 'It is such as http://relay-host:8420 or https://relay.example.org.',
    });
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function closed({ origin }: URL, why: string, cause?: unknown): ParleyError {
  return new ParleyError('CHANNEL_SEND_FAILED', `The relay ${origin} cannot be used now: ${why}`, {
    hint: 'What is for it waits here, and is forwarded when it is back.',
    ...(cause !== undefined && { cause }),
  });
}

function relayed(handedOut: Record<string, unknown>): RelayedMessage {
  const message = Object.fromEntries(Object.entries(handedOut).filter(([name]) => !LEASE_FIELDS.includes(name)));
  return { id: idSchema.parse(handedOut['id']), token: tokenSchema.parse(handedOut['lease_token']), message };
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer has more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
