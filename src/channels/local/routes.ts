import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { peerSchema } from '../../domain/chat.ts';
import { type ErrorCode, ParleyError } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { newId } from '../../lib/ids.ts';
import { streamEvents } from './event-stream.ts';
import type { LocalChannel } from './local-channel.ts';
import { localOnly, SECURITY_HEADERS } from './local-only.ts';
import type { Asset } from './page-assets.ts';
import type { MessageAccepted, PhoneState, Problem, Suggestion } from './wire.ts';

/** The longest text allowed, every character written as a JSON escape of six bytes, and room for the rest of the body. */
const MAX_BODY_BYTES = 64 * 1024;

interface LocalRoutesOptions {
  readonly clock: Clock;
  /** What `loadPage` gave. */
  readonly page: readonly Asset[];
  /** Providers whose keys are set although they are not used: the page says how to use them. */
  readonly offers: readonly string[];
  /** What the page offers to say, in the order in which it makes sense. */
  readonly suggestions: readonly Suggestion[];
}

const messageBody = z.strictObject({
  id: z.string().optional(),
  account: z.string(),
  peer: peerSchema.optional(),
  text: z.string(),
});

/** The page of the local chat, for browsers on this machine. */
export function localRoutes(channel: LocalChannel, options: LocalRoutesOptions): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', localOnly);
    app.setErrorHandler(answerError);
    app.setNotFoundHandler((_request, reply) => {
      return reply.code(404).send(problem('NOT_FOUND', 'There is nothing at this address.', 'The chat is at /.'));
    });
    for (const { path, type, body } of options.page) {
      app.get(path, (_request, reply) => reply.type(type).header('cache-control', 'no-cache').send(body));
    }
    addStateRoute(app, channel, options);
    addEventsRoute(app, channel, options.clock);
    addMessagesRoute(app, channel, options.clock);
  };
}

function addStateRoute(app: FastifyInstance, channel: LocalChannel, { offers, suggestions }: LocalRoutesOptions): void {
  app.get('/api/state', (_request, reply) => {
    const state: PhoneState = { ...channel.state(), offers, suggestions };
    return reply.header('cache-control', 'no-store').send(state);
  });
}

function addEventsRoute(app: FastifyInstance, channel: LocalChannel, clock: Clock): void {
  const open = new Set<() => void>();
  app.get('/api/events', { exposeHeadRoute: false }, (_request, reply) => {
    reply.hijack();
    const headers = { ...SECURITY_HEADERS, 'content-type': 'text/event-stream', 'cache-control': 'no-store' };
    reply.raw.writeHead(200, headers);
    const end = streamEvents(reply.raw, (listener) => channel.subscribe(listener), clock);
    open.add(end);
    reply.raw.once('close', () => open.delete(end));
  });
  // A stream never ends by itself; without this, closing the server would wait for it.
  app.addHook('preClose', async () => {
    for (const end of open) end();
  });
}

function addMessagesRoute(app: FastifyInstance, channel: LocalChannel, clock: Clock): void {
  app.post('/api/messages', { bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
    const body = messageBody.safeParse(request.body);
    if (!body.success) throw new ParleyError('MESSAGE_INVALID', z.prettifyError(body.error));
    const { id = newId('msg', clock.now()), ...said } = body.data;
    const outcome = await channel.say({ id, ...said });
    if (outcome === 'refused') {
      return reply.code(403).send(problem('MESSAGE_REFUSED', 'Nobody here takes this message.', REFUSED_HINT));
    }
    const accepted: MessageAccepted = { id, duplicate: outcome === 'duplicate' };
    return reply.code(202).send(accepted);
  });
}

const REFUSED_HINT =
  'Wait a minute if you wrote a lot. Otherwise it is for nobody here: parley route tells who answers, and the audit log has the reason.';

const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  MESSAGE_INVALID: 400,
  DISK_FULL: 503,
  CHANNEL_SEND_FAILED: 503,
  SPOOL_CLOSED: 503,
};

function answerError(error: FastifyError | ParleyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof ParleyError) {
    return reply.code(STATUS_OF[error.code] ?? 500).send(problem(error.code, error.message, error.hint));
  }
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) {
    return reply
      .code(status)
      .send(problem('MESSAGE_INVALID', error.message, 'Send JSON as the page does, at most 64 KiB.'));
  }
  request.log.error({ err: error }, 'a request to the local chat failed');
  return reply.code(500).send(problem('INTERNAL', 'Something went wrong here.', 'The log says what; try again.'));
}

const problem = (code: string, message: string, hint: string): Problem => ({ error: { code, message, hint } });
