import type { FastifyReply } from 'fastify';
import { ParleyError } from '../domain/errors.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { Refusal } from './refusal.ts';

/** The longest body of a request, in bytes. */
export const MAX_REQUEST_BYTES = 1024 * 1024;
/** What Retry-After says, in seconds: the window over which the daemon counts requests. */
export const RATE_WINDOW_S = 10;

/** Answers a request that failed, in the one form that all errors of the relay have. */
export function answerError(error: unknown, reply: FastifyReply, logger: Logger): FastifyReply {
  const { code, status, message, hint } = refusalFor(error);
  if (status >= 500) logger.error({ code, error: errorText(error) }, 'a request failed');
  if (status === 429) reply.header('retry-after', RATE_WINDOW_S);
  return reply.code(status).send({ error: message, code, hint });
}

/** What a client is told: of our own failures only that they are ours. */
function refusalFor(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof ParleyError) {
    if (error.code === 'MESSAGE_INVALID' || error.code === 'LEASE_LOST') return new Refusal(error.code, error.message);
    return new Refusal('UNAVAILABLE', 'The relay cannot store anything just now.');
  }
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
  if (status === 413) return new Refusal('TOO_LARGE', `A body has at most ${MAX_REQUEST_BYTES} bytes.`);
  if (typeof status === 'number' && status >= 400 && status < 500) return new Refusal('BAD_REQUEST', errorText(error));
  return new Refusal('INTERNAL', 'The relay failed.');
}
