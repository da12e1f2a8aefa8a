import fastify, { type FastifyInstance } from 'fastify';
import { ParleyError } from '../domain/errors.ts';
import { errorText } from '../lib/errors.ts';
import { type AccountHealth, isWell, requireAccounts } from './account-health.ts';
import { PROMETHEUS_CONTENT_TYPE } from './prometheus.ts';

export interface Health {
  /** The names of the agents that run in this process. */
  readonly agents: readonly string[];
  /** Epoch milliseconds. */
  readonly startedAt: number;
  now(): number;
  /** Rejects when this process cannot take a message right now. */
  check(): Promise<void>;
  /** How the accounts of this process fare. */
  accounts(): readonly AccountHealth[];
  /** How things are, for Prometheus. */
  metrics(): string;
}

/** A server with `/health` (this process is alive, and how its accounts fare), `/ready` (it takes messages) and `/metrics`. */
export function healthServer({ agents, startedAt, now, check, accounts, metrics }: Health): FastifyInstance {
  const app = fastify({ logger: false, forceCloseConnections: 'idle' });
  app.get('/health', () => {
    const all = accounts();
    const uptime = Math.round((now() - startedAt) / 1000);
    return { status: all.every(isWell) ? 'ok' : 'degraded', agents: agents.length, uptime, accounts: all };
  });
  app.get('/ready', async (_request, reply) => {
    try {
      await check();
      requireAccounts(accounts());
      return { status: 'ready', agents };
    } catch (error) {
      const code = error instanceof ParleyError ? error.code : 'INTERNAL';
      const hint = error instanceof ParleyError ? error.hint : 'See the log.';
      return reply.code(503).send({ status: 'not ready', error: { code, message: errorText(error), hint } });
    }
  });
  app.get('/metrics', (_request, reply) => reply.type(PROMETHEUS_CONTENT_TYPE).send(metrics()));
  return app;
}

/** How long a stop waits for requests that are being answered, in milliseconds. */
const LAST_ANSWERS_MS = 1_000;

/** Answers what is being asked, then closes. Connections on which nothing is asked (browsers open some in advance) hold it up no longer. */
export async function close(app: FastifyInstance): Promise<void> {
  const cutOff = setTimeout(() => app.server.closeAllConnections(), LAST_ANSWERS_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cutOff);
  }
}

/** Listens; returns the address to open. Throws PORT_IN_USE. */
export async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    const why = code === 'EADDRINUSE' ? 'is used by another program' : 'may not be used by this user';
    throw new ParleyError('PORT_IN_USE', `Port ${port} on ${host} ${why}.`, { cause: error });
  }
  const address = app.server.address();
  const actual = typeof address === 'object' && address ? address.port : port;
  return `http://${nameInUrl(host)}:${actual}/`;
}

function nameInUrl(host: string): string {
  if (['127.0.0.1', '::1', '0.0.0.0', '::'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
