/* A server of ../relay.ts in a process of its own: which, and a folder for its database. Asked, it tells what processor time it has used. */
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { agentId } from '../../src/domain/addresses.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { SqliteRegistry } from '../../src/registry/sqlite-registry.ts';
import { relayServer } from '../../src/relay/relay.ts';
import { SqliteRelayNonces } from '../../src/store/relay-nonces.ts';
import { SqliteRelaySecrets } from '../../src/store/relay-secrets.ts';
import { openSpool } from '../contenders/parley.ts';
import { bareServer } from './bare-server.ts';
import { AGENTS } from './protocol.ts';

const [which = '', folder = ''] = process.argv.slice(2);

interface Served {
  readonly app: FastifyInstance;
  /** Of AGENTS, in their order. */
  readonly secrets: readonly string[];
}

async function relay(): Promise<Served> {
  const { db, spool, close } = openSpool(join(folder, 'relay.db'));
  const secrets = new SqliteRelaySecrets(db);
  const app = relayServer({
    spool,
    directory: new SqliteRegistry(db),
    secrets,
    nonces: new SqliteRelayNonces(db),
    admits: { agent: () => true, address: () => true },
    clock: systemClock,
    logger: silentLogger,
  });
  app.addHook('onClose', close);
  return { app, secrets: await Promise.all(AGENTS.map((agent) => secrets.replace(agentId(agent), 0))) };
}

const { app, secrets } = which === 'relay' ? await relay() : { app: bareServer(folder), secrets: [] };
process.send?.({ url: await app.listen({ host: '127.0.0.1', port: 0 }), secrets });
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1000 });
});
process.once('disconnect', () => void app.close());
