import { type ToolSet, tool } from 'ai';
import { z } from 'zod';
import { hostRefusal } from '../../domain/allowed-hosts.ts';
import { type GuardedResponse, guardedRequest } from '../../lib/guarded-request.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { ToolAnswer } from '../groups.ts';
import { material } from './material.ts';

const TIMEOUT_MS = 20_000;
const MAX_BYTES = 2 * 1024 * 1024;
const MAX_REDIRECTS = 5;

interface FetchPolicy {
  /** Where requests may go: `example.org`, `*.example.org` (what is below it), or `*` for every public address. */
  readonly network: readonly string[];
  /** For tests: another way to ask. */
  readonly request?: typeof guardedRequest;
}

/** Reading pages of the Internet. The request is made outside of any sandbox, to a public address of an allowed host and no other. */
export function webTools({ network, request = guardedRequest }: FetchPolicy): ToolSet {
  return {
    http_fetch: tool({
      description: 'Read a page of the Internet (GET).',
      inputSchema: z.object({ url: z.url({ protocol: /^https?$/ }).max(2_000) }),
      execute: async ({ url }, { abortSignal }): Promise<ToolAnswer> => {
        const page = await fetchPage(new URL(url), network, request, abortSignal);
        return page.ok ? { ok: true, ...page.value } : { ok: false, error: page.error };
      },
    }),
  };
}

type Page = Readonly<Record<string, unknown>>;

/** Follows redirects, each of which has to lead to where a request may go. */
async function fetchPage(
  start: URL,
  network: readonly string[],
  request: typeof guardedRequest,
  signal: AbortSignal | undefined,
): Promise<Result<Page, string>> {
  let url = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const refusal = hostRefusal(url, network);
    if (refusal) return err(refusal);
    const headers = { accept: 'text/*, application/json;q=0.9, */*;q=0.1', 'accept-encoding': 'identity' };
    const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
    const reply = await request({ url, headers, allow: 'public', ...limits, signal });
    if (!reply.ok) return err(`No answer from ${url.host}: ${reply.error.reason}.`);
    const next = redirectOf(reply.value, url);
    if (next === null) return pageOf(reply.value, url);
    url = next;
  }
  return err(`There were more than ${MAX_REDIRECTS} redirects.`);
}

function redirectOf({ status, headers }: GuardedResponse, url: URL): URL | null {
  if (status < 300 || status > 399 || headers.location === undefined) return null;
  return URL.parse(headers.location, url.href);
}

function pageOf({ status, headers, body }: GuardedResponse, url: URL): Result<Page, string> {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    return err(`The answer is compressed (${encoding.slice(0, 40)}) although that was not asked for.`);
  const type = headers['content-type'] ?? '';
  const text = decode(body, /charset="?([\w-]+)/i.exec(type)?.[1] ?? 'utf-8');
  if (text === null) return err(`The answer is no text (${type.slice(0, 100) || 'of no type'}).`);
  return ok({ status, url: url.href, type: type.slice(0, 100), ...material(text) });
}

function decode(body: Buffer, charset: string): string | null {
  try {
    const text = new TextDecoder(charset).decode(body);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
