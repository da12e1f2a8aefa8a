/* A server of ../hub.ts in a process of its own: which, and for how many agents. Asked, it tells what memory and processor time it has used. */
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AcceptedSecrets } from '../../src/hub/secrets.ts';
import { hubServer } from '../../src/hub/server.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { bareRelay } from './bare-relay.ts';
import { SECRET } from './protocol.ts';

const [which = '', connections = '0'] = process.argv.slice(2);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function start(): Promise<string> {
  if (which === 'hub') {
    return hubServer({
      secrets: new AcceptedSecrets([SECRET]),
      maxAgents: Number(connections),
      maxPerAddress: Number(connections),
      allowedOrigins: [],
      trustedProxies: [],
      tls: null,
      store: null,
      logger: silentLogger,
      clock: systemClock,
    }).listen({ host: '127.0.0.1', port: 0 });
  }
  const server = bareRelay().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return `http://127.0.0.1:${address.port}`;
}

process.send?.({ url: await start() });
process.on('message', (told) => {
  // What finalizers let go is only collected the second time.
  if (told === 'collect') for (let times = 0; times < 2; times++) collectGarbage();
  const { user, system } = process.cpuUsage();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ cpuMs: (user + system) / 1000, heapBytes: heapUsed + external, rssBytes: rss });
});
process.once('disconnect', () => process.exit());
