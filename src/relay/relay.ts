import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { AgentId } from '../domain/addresses.ts';
import type { Logger } from '../lib/logger.ts';
import { pollSubject, statusSubject } from '../protocol/relay-auth.ts';
import { answerError, MAX_REQUEST_BYTES } from './answer-error.ts';
import { type AuthenticationOptions, authenticate } from './authentication.ts';
import { Mailboxes, type MailboxesOptions } from './mailboxes.ts';
import { openApi } from './openapi.ts';
import { PollSlots } from './poll-slots.ts';
import { Refusal } from './refusal.ts';
import { ackSchema, idSchema, jsonObject, nackSchema, parse, pollSchema, registrationSchema } from './requests.ts';

export interface RelayOptions extends MailboxesOptions, AuthenticationOptions {
  readonly logger: Logger;
  /** Whether an agent, or whoever is behind an IP address, may make one more request just now. */
  readonly admits: { agent(id: AgentId): boolean; address(ip: string): boolean };
  /** The IP addresses or CIDR ranges of reverse proxies whose X-Forwarded-For is believed; none by default. */
  readonly trustedProxies?: readonly string[];
}

/** A message's id has up to 200 characters, each up to three in a URL. */
const MAX_PARAMETER_CHARS = 600;
/** How long a client may take for its headers and for its whole request, in milliseconds: slow ones keep nobody else out. */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000;
const LOOK_FOR_SLOW_MS = 1_000;
/** Longer than the longest poll waits. */
const SILENT_SOCKET_MS = 60_000;
const MAX_CONNECTIONS = 2_000;
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_HEADERS = 64;
/** The HTTP relay, not yet listening: mailboxes for agents on other machines. It leaves the spool open when it closes. */
export function relayServer(options: RelayOptions): FastifyInstance {
  const { clock, admits, logger, trustedProxies = [] } = options;
  const mailboxes = new Mailboxes(options);
  const startedAt = clock.now();
  const closing = new AbortController();
  const slots = new PollSlots();

  const app = fastify({
    logger: false,
    bodyLimit: MAX_REQUEST_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: SILENT_SOCKET_MS,
    keepAliveTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    routerOptions: { maxParamLength: MAX_PARAMETER_CHARS },
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: LOOK_FOR_SLOW_MS,
    },
    frameworkErrors: (error, _request, reply) => answerError(error, reply, logger),
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  app.server.maxHeadersCount = MAX_HEADERS;
  app.removeAllContentTypeParsers();
  // What is signed is the bytes; what they say is looked at once it is known who sent them.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, _request, reply) => answerError(error, reply, logger));
  app.setNotFoundHandler((_request, reply) =>
    answerError(new Refusal('NOT_FOUND', 'There is nothing here.'), reply, logger),
  );
  app.addHook('onRequest', async ({ ip }) => {
    if (!admits.address(ip)) throw new Refusal('RATE_LIMITED', 'Too many requests from this address.');
  });
  app.addHook('preClose', async () => closing.abort());

  const identify = async ({ headers }: FastifyRequest, subject: string | Uint8Array): Promise<AgentId> => {
    const agent = await authenticate(headers, subject, options);
    if (!admits.agent(agent)) throw new Refusal('RATE_LIMITED', `Too many requests of '${agent}'.`);
    await mailboxes.heartbeat(agent);
    return agent;
  };
  const signedBody = async (request: FastifyRequest): Promise<{ agent: AgentId; body: object }> => {
    const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
    const agent = await identify(request, bytes);
    return { agent, body: jsonObject(bytes) };
  };

  app.get('/api/v1/health', () => ({
    status: 'ok',
    uptime: Math.round((clock.now() - startedAt) / 1000),
    timestamp: Math.floor(clock.now() / 1000),
  }));

  app.get('/openapi.json', () => openApi());

  app.post('/api/v1/send', async (request) => {
    const { agent, body } = await signedBody(request);
    return mailboxes.send(agent, body);
  });

  app.get<{ Params: { agent: string } }>('/api/v1/poll/:agent', async (request, reply) => {
    const agent = await identify(request, pollSubject(request.params.agent));
    requireSelf(agent, request.params.agent);
    const { limit, lease, wait, poller } = parse(pollSchema, request.query);
    const gone = AbortSignal.any([closing.signal, whenGone(reply)]);
    const asked = { limit, leaseMs: lease * 1000, waitMs: wait * 1000, poller };
    const messages = await slots.within(agent, () => mailboxes.poll(agent, asked, gone));
    return { messages, count: messages.length };
  });

  app.post('/api/v1/ack', async (request) => {
    const { agent, body } = await signedBody(request);
    const settled = parse(ackSchema, body);
    requireSelf(agent, settled.agent ?? agent);
    return mailboxes.ack(agent, idOf(settled), settled.lease_token);
  });

  app.post('/api/v1/nack', async (request) => {
    const { agent, body } = await signedBody(request);
    const settled = parse(nackSchema, body);
    requireSelf(agent, settled.agent ?? agent);
    return mailboxes.nack(agent, idOf(settled), settled.lease_token, settled.reason);
  });

  app.get<{ Params: { id: string } }>('/api/v1/status/:id', async (request) => {
    const agent = await identify(request, statusSubject(request.params.id));
    return mailboxes.status(agent, parse(idSchema, request.params.id));
  });

  app.post('/api/v1/agents/register', async (request) => {
    const { agent, body } = await signedBody(request);
    const registration = parse(registrationSchema, body);
    requireSelf(agent, registration.agent_id ?? registration.id ?? agent);
    return mailboxes.register(agent, registration);
  });

  return app;
}

function requireSelf(agent: AgentId, named: string): void {
  if (named !== agent) throw new Refusal('FORBIDDEN', `'${agent}' has signed, and this is the mailbox of '${named}'.`);
}

function idOf({
  message_id,
  id,
}: {
  readonly message_id?: string | undefined;
  readonly id?: string | undefined;
}): string {
  const named = message_id ?? id;
  if (named === undefined) throw new Refusal('BAD_REQUEST', 'This request is wrong: message_id: is missing.');
  return named;
}

/** Aborts when the client has hung up before it got its answer. */
function whenGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
