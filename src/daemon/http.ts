import fastify, { type FastifyInstance } from 'fastify';
import { ParleyError } from '../domain/errors.ts';
import { errorText } from '../lib/errors.ts';

export interface Health {
  /** The names of the agents that run in this process. */
  readonly agents: readonly string[];
  /** Epoch milliseconds. */
  readonly startedAt: number;
  now(): number;
  /** Rejects when this process cannot take a message right now. */
  check(): Promise<void>;
}

/** A server with `/health` (this process is alive) and `/ready` (it takes messages). */
export function healthServer({ agents, startedAt, now, check }: Health): FastifyInstance {
  const app = fastify({ logger: false, forceCloseConnections: 'idle' });
  app.get('/health', () => ({ status: 'ok', agents: agents.length, uptime: Math.round((now() - startedAt) / 1000) }));
  app.get('/ready', async (_request, reply) => {
    try {
      await check();
      return { status: 'ready', agents };
    } catch (error) {
      const code = error instanceof ParleyError ? error.code : 'INTERNAL';
      const hint = error instanceof ParleyError ? error.hint : 'See the log.';
      return reply.code(503).send({ status: 'not ready', error: { code, message: errorText(error), hint } });
    }
  });
  return app;
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
  const name = host === '127.0.0.1' || host === '::1' || host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name}:${actual}/`;
}
