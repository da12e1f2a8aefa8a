import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { type Clock, systemClock } from './clock.ts';
import { errorText } from './errors.ts';
import {
  type AllowedAddresses,
  BlockedAddress,
  guardedLookup,
  type Resolve,
  refuseUnlessAllowed,
  systemResolve,
} from './guarded-lookup.ts';
import { addressIn } from './public-address.ts';
import { err, ok, type Result } from './result.ts';

export interface GuardedRequest {
  /** http or https. */
  readonly url: URL;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly allow: AllowedAddresses;
  /** For everything, from the name of the host to the last byte of the answer. */
  readonly timeoutMs: number;
  /** The longest body of an answer. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

export interface GuardedResponse {
  /** Also a 3xx: a redirect leads to an address that nobody has checked, and is not followed. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Why there is no answer. `blocked`: the host has an address that is not allowed, and nothing was sent. */
export interface RequestFailure {
  readonly kind: 'blocked' | 'failed' | 'timed-out' | 'too-large';
  readonly reason: string;
}

export interface RequestSurroundings {
  readonly clock?: Clock;
  /** All addresses of a host name. Default: those that this machine knows or asks the DNS for. */
  readonly resolve?: Resolve;
}

/**
 * One HTTP request that connects to no address but an allowed one: each address of the host is looked at, and the connection is made
 * to those, so that a name cannot resolve to another in between. Proxies of the environment are not used.
 */
export async function guardedRequest(
  request: GuardedRequest,
  { clock = systemClock, resolve = systemResolve }: RequestSurroundings = {},
): Promise<Result<GuardedResponse, RequestFailure>> {
  const { url, allow, timeoutMs, maxBytes } = request;
  const late = new AbortController();
  const cancel = clock.timer(clock.now() + timeoutMs, () => late.abort());
  const signal = AbortSignal.any([late.signal, ...(request.signal ? [request.signal] : [])]);
  try {
    const named = addressIn(url);
    // The resolver is not asked for what is no name.
    if (named !== null) refuseUnlessAllowed([named], allow);
    const answer = await answerTo(request, guardedLookup(resolve, allow), signal);
    const body = await bodyOf(answer, maxBytes);
    return ok({ status: answer.statusCode ?? 0, headers: answer.headers, body });
  } catch (error) {
    if (error instanceof BlockedAddress) return err({ kind: 'blocked', reason: error.message });
    if (error instanceof TooLarge) return err({ kind: 'too-large', reason: error.message });
    if (late.signal.aborted) return err({ kind: 'timed-out', reason: `there was no answer in ${timeoutMs / 1000} s` });
    return err({ kind: 'failed', reason: signal.aborted ? 'it was given up' : reasonOf(error) });
  } finally {
    cancel();
  }
}

class TooLarge extends Error {}

/** Without an agent: a connection that is kept alive may have been made under another rule. */
function answerTo(
  { url, method = 'GET', headers = {}, body }: GuardedRequest,
  lookup: LookupFunction,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const sent = request(url, { method, headers, lookup, signal, agent: false });
    sent.on('response', resolve);
    sent.on('error', reject);
    // After an answer that switches to another protocol there is neither.
    sent.on('close', () => reject(new Error('the connection was closed')));
    sent.end(body);
  });
}

/** Leaving the loop closes the connection. */
async function bodyOf(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const incoming: AsyncIterable<Buffer> = answer;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new TooLarge(`the answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What became of each address, when there were several: that error itself says nothing. */
export function reasonOf(error: unknown): string {
  return error instanceof AggregateError ? error.errors.map(errorText).join('; ') : errorText(error);
}
