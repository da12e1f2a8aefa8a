import {
  APICallError,
  InvalidPromptError,
  LoadAPIKeyError,
  LoadSettingError,
  NoSuchModelError,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import { NoOutputGeneratedError, RetryError, StreamProviderError } from 'ai';
import { ParleyError } from '../domain/errors.ts';

/**
 * Why a provider gave no answer.
 *
 * - `rate-limited`, `unavailable`, `timeout`, `network`, `malformed`: transient, another time it may work.
 * - `misconfigured`: key, model or address are wrong, for every request until a person mends them.
 * - `rejected`: the provider will not take this one request (too long, for example); it is well otherwise.
 * - `refused`: the provider will not answer this, for the content of it.
 */
export type FailureKind =
  | 'rate-limited'
  | 'unavailable'
  | 'timeout'
  | 'network'
  | 'malformed'
  | 'misconfigured'
  | 'rejected'
  | 'refused';

/** Why one try gave no answer. */
export interface Failure {
  readonly kind: FailureKind;
  /** How long the provider asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
  /** For a person. Made of status codes and error codes alone: a provider's own words may repeat the key or the prompt. */
  readonly detail: string;
}

const TRANSIENT: ReadonlySet<FailureKind> = new Set(['rate-limited', 'unavailable', 'timeout', 'network', 'malformed']);

/** Whether waiting may help. */
export const isTransient = (kind: FailureKind): boolean => TRANSIENT.has(kind);

/** What went wrong, from whatever the AI SDK, `fetch` or a client threw. */
export function classifyFailure(error: unknown, now: number): Failure {
  if (RetryError.isInstance(error)) return classifyFailure(error.lastError, now);
  if (APICallError.isInstance(error)) return fromCall(error, now);
  if (StreamProviderError.isInstance(error)) {
    return fromStatus(error.statusCode ?? 500, safeCode(error.code) ?? safeCode(error.type));
  }
  if (LoadAPIKeyError.isInstance(error) || LoadSettingError.isInstance(error) || NoSuchModelError.isInstance(error)) {
    return { kind: 'misconfigured', detail: error.name };
  }
  if (InvalidPromptError.isInstance(error) || UnsupportedFunctionalityError.isInstance(error)) {
    return { kind: 'rejected', detail: error.name };
  }
  if (error instanceof ParleyError && error.code === 'PROVIDER_MISCONFIGURED') {
    return { kind: 'misconfigured', detail: error.message };
  }
  // The reason that the AI SDK aborts with when one of its timeouts has passed; its text has only the number in it.
  if (error instanceof Error && error.name === 'TimeoutError') return { kind: 'timeout', detail: error.message };
  const code = networkCode(error);
  if (code !== null) return { kind: 'network', detail: code };
  if (NoOutputGeneratedError.isInstance(error)) return { kind: 'malformed', detail: 'no output' };
  return { kind: 'malformed', detail: error instanceof Error ? error.name : 'not an error object' };
}

/** Statuses that mean something else than their class does. */
const STATUS_KINDS: Readonly<Record<number, FailureKind>> = {
  401: 'misconfigured',
  402: 'misconfigured',
  403: 'misconfigured',
  404: 'misconfigured',
  408: 'timeout',
  409: 'unavailable',
  429: 'rate-limited',
};

/** Error codes by which providers say that it was the content: OpenAI, Azure OpenAI. */
const REFUSAL_CODES: ReadonlySet<string> = new Set(['content_filter', 'content_policy_violation']);

function fromStatus(status: number, code: string | null): Failure {
  const detail = code === null ? `HTTP ${status}` : `HTTP ${status} ${code}`;
  if (code !== null && REFUSAL_CODES.has(code)) return { kind: 'refused', detail };
  return { kind: STATUS_KINDS[status] ?? (status >= 500 ? 'unavailable' : 'rejected'), detail };
}

function fromCall(error: APICallError, now: number): Failure {
  const { statusCode, responseBody = '' } = error;
  if (statusCode === undefined) return { kind: 'network', detail: networkCode(error) ?? 'no connection' };
  // A success whose body broke off or could not be read.
  if (statusCode < 400) {
    const code = networkCode(error);
    return code === null ? { kind: 'malformed', detail: 'unreadable answer' } : { kind: 'network', detail: code };
  }
  // Gemini answers a wrong key with 400 and this reason: https://ai.google.dev/gemini-api/docs/troubleshooting
  if (responseBody.includes('API_KEY_INVALID'))
    return { kind: 'misconfigured', detail: `HTTP ${statusCode} API_KEY_INVALID` };
  const failure = fromStatus(statusCode, errorCode(responseBody));
  const retryAfterMs = retryAfter(error.responseHeaders ?? {}, now);
  return retryAfterMs === null || !isTransient(failure.kind) ? failure : { ...failure, retryAfterMs };
}

/** `retry-after` of RFC 9110 (seconds or a date) or `retry-after-ms` of OpenAI, in milliseconds from now. */
function retryAfter(headers: Readonly<Record<string, string>>, now: number): number | null {
  const milliseconds = Number.parseFloat(headers['retry-after-ms'] ?? '');
  if (Number.isFinite(milliseconds)) return Math.max(0, milliseconds);
  const value = headers['retry-after'];
  if (value === undefined) return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** The error code in a provider's answer, when there is one: `error.code` or `error.type`, as OpenAI and Anthropic write it. */
function errorCode(body: string): string | null {
  const code = /"code"\s{0,4}:\s{0,4}"([^"]{1,64})"/.exec(body)?.[1];
  const type = /"type"\s{0,4}:\s{0,4}"([^"]{1,64})"/.exec(body)?.[1];
  return safeCode(code) ?? safeCode(type === 'error' ? undefined : type);
}

/** A code that is a word and no more. */
function safeCode(code: string | number | undefined): string | null {
  return typeof code === 'string' && /^[a-z]{2,20}(?:_[a-z]{1,20}){0,5}$/i.test(code) ? code : null;
}

/** What Node's sockets and TLS, and undici, put into `code`. */
const SYSTEM_CODE = /^(?:E[A-Z0-9]{2,30}$|UND_ERR_|CERT_|ERR_TLS_|ERR_SSL_)/;

/** The code of the system error behind this one, such as ECONNREFUSED or UND_ERR_SOCKET. */
function networkCode(error: unknown): string | null {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    if ('code' in current && typeof current.code === 'string' && SYSTEM_CODE.test(current.code)) {
      return current.code;
    }
    current = current.cause;
  }
  return null;
}
