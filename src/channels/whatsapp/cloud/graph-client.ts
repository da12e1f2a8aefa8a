import { z } from 'zod';
import { ParleyError } from '../../../domain/errors.ts';
import { errorText } from '../../../lib/errors.ts';

/** One number of the WhatsApp Business Platform. */
export interface CloudAccount {
  readonly id: string;
  readonly phoneNumberId: string;
  readonly accessToken: string;
}

export interface GraphAddress {
  /** https, except on this machine. */
  readonly graphUrl: string;
  /** Such as v25.0. */
  readonly version: string;
}

/** An error that the Graph API has answered with. */
export interface GraphFailure {
  readonly status: number;
  readonly code: number | null;
  /** Its details; without secrets. */
  readonly details: string;
}

/**
 * How a request has ended. `unreached`: it never got there. `lost`: it may have got there, the answer did not come back, or says
 * nothing.
 */
export type GraphAnswer =
  | { readonly kind: 'ok'; readonly body: unknown }
  | { readonly kind: 'failed'; readonly failure: GraphFailure }
  | { readonly kind: 'unreached' | 'lost'; readonly reason: string };

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 30_000;
const UPLOAD_MS = 180_000;
/** The longest answer that is read, in bytes; files apart. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** The codes of undici and Node for what happens before a request is on its way. */
const NOT_ON_ITS_WAY: ReadonlySet<unknown> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'UND_ERR_CONNECT_TIMEOUT'],
  ...['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID'],
]);

const errorSchema = z.object({
  error: z.object({
    code: z.number(),
    message: z.string().catch(''),
    error_data: z.object({ details: z.string() }).optional().catch(undefined),
  }),
});

/** Speaks with the Graph API for one account. Whatever it says of an error has no token in it. */
export class GraphClient {
  readonly #account: CloudAccount;
  readonly #base: URL;

  /** Throws CONFIG_INVALID. */
  constructor(account: CloudAccount, address: GraphAddress) {
    this.#account = account;
    this.#base = baseUrl(address);
  }

  postMessage(message: object): Promise<GraphAnswer> {
    return this.#ask(this.#url(this.#account.phoneNumberId, 'messages'), ANSWER_MS, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messaging_product: 'whatsapp', ...message }),
    });
  }

  /** Uploads a file; the answer has its `id`. */
  postMedia(file: Blob, name: string): Promise<GraphAnswer> {
    const body = new FormData();
    body.append('messaging_product', 'whatsapp');
    body.append('type', file.type);
    body.append('file', file, name);
    return this.#ask(this.#url(this.#account.phoneNumberId, 'media'), UPLOAD_MS, { method: 'POST', body });
  }

  /** Where a file that came with a message is: the answer has its `url` and `file_size`. */
  media(id: string): Promise<GraphAnswer> {
    const url = this.#url(id);
    url.searchParams.set('phone_number_id', this.#account.phoneNumberId);
    return this.#ask(url, ANSWER_MS, {});
  }

  /** The bytes at an address that `media` gave; null when there are more than `maxBytes`. Rejects when it does not work out. */
  async download(address: string, maxBytes: number): Promise<Uint8Array | GraphFailure | null> {
    const url = URL.canParse(address) ? new URL(address) : null;
    // The token goes along.
    if (url === null || (url.protocol !== 'https:' && url.origin !== this.#base.origin)) {
      throw new Error('the address of the file is not https');
    }
    const response = await this.#fetch(url, UPLOAD_MS, {});
    if (response.ok) return await bytesOf(response, maxBytes);
    await response.body?.cancel();
    return { status: response.status, code: null, details: '' };
  }

  #url(...path: readonly string[]): URL {
    return new URL(path.map(encodeURIComponent).join('/'), this.#base);
  }

  async #ask(url: URL, timeoutMs: number, init: RequestInit): Promise<GraphAnswer> {
    try {
      const response = await this.#fetch(url, timeoutMs, init);
      const bytes = await bytesOf(response, MAX_ANSWER_BYTES);
      return this.#answerOf(response, bytes === null ? undefined : parseJson(bytes));
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      const code = cause instanceof Error && 'code' in cause ? cause.code : null;
      const kind = NOT_ON_ITS_WAY.has(code) ? 'unreached' : 'lost';
      return { kind, reason: this.#withoutToken(errorText(cause) || String(code)) };
    }
  }

  #answerOf({ ok, status }: Response, body: unknown): GraphAnswer {
    if (ok && body !== undefined) return { kind: 'ok', body };
    const parsed = errorSchema.safeParse(body);
    if (parsed.success) {
      const { code, message, error_data } = parsed.data.error;
      return { kind: 'failed', failure: { status, code, details: this.#withoutToken(error_data?.details ?? message) } };
    }
    // A proxy in between says 502 or 504 also when WhatsApp has taken the message.
    if (ok || status >= 500) return { kind: 'lost', reason: `the answer was ${status}` };
    return { kind: 'failed', failure: { status, code: null, details: '' } };
  }

  /** Redirects are not followed: the token is for the Graph API alone. */
  #fetch(url: URL, timeoutMs: number, init: RequestInit): Promise<Response> {
    return fetch(url, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${this.#account.accessToken}` },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
  }

  /** The Graph API quotes a token that it does not like. */
  #withoutToken(text: string): string {
    return text.replaceAll(this.#account.accessToken, '…');
  }
}

/** Throws CONFIG_INVALID. */
function baseUrl({ graphUrl, version }: GraphAddress): URL {
  const url = URL.canParse(graphUrl) ? new URL(graphUrl) : null;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
  if (url === null || !isSafe) {
    throw new ParleyError('CONFIG_INVALID', `'${graphUrl}' is not the address of a Graph API.`, {
      hint: 'Leave it out, so that https://graph.facebook.com is used.',
    });
  }
  if (!/^v\d+\.\d+$/.test(version)) {
    throw new ParleyError('CONFIG_INVALID', `'${version}' is not a version of the Graph API.`, {
      hint: 'It is such as v25.0.',
    });
  }
  return new URL(`${url.pathname.replace(/\/*$/, '')}/${version}/`, url);
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** null when there are more than `max`. */
async function bytesOf(response: Response, max: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (size > max) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
