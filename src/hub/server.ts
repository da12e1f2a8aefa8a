import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { finished } from 'node:stream';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ParleyError } from '../domain/errors.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { HUB_MAX_BYTES } from '../protocol/hub-frames.ts';
import { Admission } from './admission.ts';
import { Counter } from './counter.ts';
import { Hub } from './hub.ts';
import type { HubOptions } from './options.ts';
import { failure, hubRoutes } from './routes.ts';
import { Sockets } from './sockets.ts';

/** Whoever takes longer than this to say what it wants is not waited for, in milliseconds. */
const PATIENCE = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
};
const TLS_PATIENCE = { handshakeTimeout: 10_000 };
/** How long a stop waits for answers to be read, in milliseconds. */
const LAST_WORDS_MS = 1_000;
/** Sockets at a time beside those of agents: of one machine, and of all. */
const OTHER_SOCKETS_OF_ONE = 108;
const OTHER_SOCKETS = 4046;
const SMALL_BODY_BYTES = 64 * 1024;
const MOST_LARGE_BODIES = 8;

/** The Agent Hub: HTTP routes, and WebSockets on the same port. Not yet listening; `close` tells the agents and ends all. */
export function hubServer(options: HubOptions): FastifyInstance {
  const { tls, logger, clock, secrets, maxAgents, maxPerAddress } = options;
  const hub = new Hub(options);
  const admission = new Admission(options);
  const sockets = new Sockets(hub, admission, options);
  const startedAt = clock.now();

  const app = fastify({
    logger: false,
    bodyLimit: HUB_MAX_BYTES,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    serverFactory: (handler) => {
      const server: Server = tls
        ? createHttpsServer({ ...PATIENCE, ...TLS_PATIENCE, ...tls }, handler)
        : createHttpServer(PATIENCE, handler);
      server.maxConnections = maxAgents + OTHER_SOCKETS;
      server.on('connection', limitSockets(admission, maxPerAddress + OTHER_SOCKETS_OF_ONE));
      return server.on('upgrade', sockets.upgrade);
    },
  });
  // JSON is what a page of another site cannot send without asking first.
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request, reply) => limitRequests(admission, request, reply));
  app.addHook('onRequest', async (request, reply) => admitPages(admission, request, reply));
  app.addHook('onSend', async ({ raw }, reply) => cutOff(raw, reply));
  app.setErrorHandler((error: FastifyError | ParleyError, _request, reply) => answerError(error, reply, logger));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(failure('There is nothing at this address.')));
  app.get('/health', () => ({
    status: 'ok',
    agents: hub.agents.size,
    uptime: Math.round((clock.now() - startedAt) / 1000),
  }));
  void app.register(async (guarded) => {
    guarded.addHook('onRequest', async (request, reply) => {
      const address = admission.addressOf(request.raw);
      const secret = bearer(request.headers.authorization ?? '');
      if (secrets.areOff || admission.accept(secret, address)) return;
      if (admission.isLockedOut(address)) return refuseForNow(admission, address, reply);
      return reply.code(401).header('www-authenticate', 'Bearer').send(failure('The secret is missing or wrong.'));
    });
    guarded.addHook('onRequest', limitLargeBodies(admission));
    hubRoutes(guarded, hub, clock);
  });
  app.addHook('preClose', async () => {
    sockets.stop();
    await hub.stop();
    // All that could be answered is; what is left are sockets on which somebody takes his time.
    const cancel = clock.timer(clock.now() + LAST_WORDS_MS, () => app.server.closeAllConnections());
    app.server.once('close', cancel);
  });
  return app;
}

/** What follows `Bearer`, RFC 6750; a secret may have spaces in it. */
const bearer = (authorization: string): string | undefined =>
  /^bearer /i.test(authorization) ? authorization.slice('bearer '.length).trim() : undefined;

/** A machine that opens sockets and says nothing has only so many. A proxy speaks for many machines. */
function limitSockets(admission: Admission, most: number): (socket: Socket) => void {
  const open = new Counter();
  return (socket) => {
    const address = socket.remoteAddress ?? '';
    if (admission.isProxy(address)) return;
    if (open.of(address) >= most) return void socket.destroy();
    open.add(address);
    socket.once('close', () => open.remove(address));
  };
}

/** Who is answered before his body has been read is not heard to its end: left alone, Node would read it and throw it away. */
function cutOff({ complete, headers }: IncomingMessage, reply: FastifyReply): void {
  const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
  if (hasBody && !complete) void reply.header('connection', 'close');
}

/** Bodies that are large, or may become so, take memory while they are read: of one address, only so many at a time. */
function limitLargeBodies(admission: Admission): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  const open = new Counter();
  return async ({ raw }, reply) => {
    const { 'transfer-encoding': encoding, 'content-length': length = '0' } = raw.headers;
    if (encoding === undefined && Number(length) <= SMALL_BODY_BYTES) return;
    const address = admission.addressOf(raw);
    if (open.of(address) >= MOST_LARGE_BODIES) return refuseForNow(admission, address, reply);
    open.add(address);
    finished(raw, { writable: false }, () => open.remove(address));
  };
}

async function limitRequests(admission: Admission, { raw }: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const address = admission.addressOf(raw);
  return admission.mayAsk(address) ? undefined : refuseForNow(admission, address, reply);
}

function refuseForNow(admission: Admission, address: string, reply: FastifyReply): FastifyReply {
  const seconds = admission.waitSeconds(address);
  return reply
    .code(429)
    .header('retry-after', String(seconds))
    .send(failure(`Too many requests; try again in ${seconds} s.`));
}

/** CORS, https://fetch.spec.whatwg.org/#http-cors-protocol, and for a hub without a secret a look at the name it is called by. */
async function admitPages(admission: Admission, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { origin } = request.headers;
  if (!admission.allowsPage(request.headers)) return reply.code(403).send(failure('This page may not use the hub.'));
  if (origin === undefined) return;
  reply.headers({ 'access-control-allow-origin': origin, vary: 'Origin' });
  if (request.method !== 'OPTIONS') return;
  return reply
    .headers({
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization, content-type',
      'access-control-max-age': '600',
    })
    .code(204)
    .send();
}

function answerError(error: FastifyError | ParleyError, reply: FastifyReply, logger: Logger): FastifyReply {
  if (error instanceof ParleyError) {
    logger.error({ code: error.code, reason: error.message }, 'a request failed');
    return reply.code(503).send(failure(`${error.message} ${error.hint}`));
  }
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return reply.code(status).send(failure(error.message));
  logger.error({ error: errorText(error) }, 'a request failed');
  return reply.code(500).send(failure('Something went wrong in the hub; its log says what.'));
}
