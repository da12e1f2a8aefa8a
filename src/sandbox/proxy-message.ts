import type { OutgoingHttpHeaders } from 'node:http';
import { err, ok, type Result } from '../lib/result.ts';

/** A host and a port, as CONNECT has them (RFC 9110, 9.3.6). Nothing is encoded: names beyond ASCII are written as xn--. */
const AUTHORITY = /^(?:\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i;

/** Where a request of the method CONNECT is to lead. `URL` normalises the host: upper case, 0x7f.1, ::ffff:127.0.0.1. */
export function tunnelUrl(target: string): Result<URL, string> {
  const url = AUTHORITY.test(target) ? URL.parse(`https://${target}/`) : null;
  return url ? ok(url) : err('CONNECT takes a host and a port, such as example.org:443.');
}

/** Where any other request of a client of a proxy is to go (the absolute form, RFC 9112, 3.2.2). */
export function forwardUrl(target: string): Result<URL, string> {
  const url = /^http:\/\/[!-~]+$/i.test(target) ? URL.parse(target) : null;
  return url ? ok(url) : err('This is a proxy. It takes requests for http://host/path, and CONNECT for what is https.');
}

/** About one connection, not about the message (RFC 9110, 7.6.1). `expect` has been answered by then. */
const HOP_BY_HOP = [
  ...['connection', 'expect', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];

/** The headers of an answer that are sent on; how its body ends is said anew where there is no length. */
export function forwardedHeaders(headers: NodeJS.Dict<string[]>): OutgoingHttpHeaders {
  const lines = headers['connection'] ?? [];
  const listed = lines.flatMap((line) =>
    line
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  const dropped = new Set([...HOP_BY_HOP, ...listed]);
  // Never the one and the other, and not neither because somebody has listed it.
  if (headers['transfer-encoding']) dropped.add('content-length');
  else dropped.delete('content-length');
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
}

/**
 * Those of a request, which tell the host its own name. A body that came in chunks is sent in chunks whatever the method: the rest of
 * one whose end nobody has marked would be the next request.
 */
export function forwardedRequestHeaders(headers: NodeJS.Dict<string[]>, host: string): OutgoingHttpHeaders {
  const framing = headers['transfer-encoding'] ? { 'transfer-encoding': 'chunked' } : {};
  return { ...forwardedHeaders(headers), ...framing, host };
}
