import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from './wire.ts';

/** The names by which a browser on this machine reaches it. Any other comes from a page that was rebound to this address. */
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
    "require-trusted-types-for 'script'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** A hook that serves browsers on this machine, and in them only our own page. */
export async function localOnly(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers(SECURITY_HEADERS);
  const { host, origin } = request.headers;
  if (host === undefined || !LOOPBACK_HOST.test(host)) {
    await reply.code(403).send(refusal('HOST_REFUSED', 'This chat is served on this machine only.'));
  } else if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    await reply.code(403).send(refusal('ORIGIN_REFUSED', 'Another web page asked for this.'));
  }
}

const refusal = (code: string, message: string): Problem => ({
  error: { code, message, hint: 'Open the address that Parley printed when it started.' },
});
