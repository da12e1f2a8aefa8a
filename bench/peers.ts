import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Contender, Opened } from './contender.ts';

/** The peers' modules are JavaScript, for their packages are not there when we check types. This is what they export. */
interface PeerModules {
  readonly 'bullmq.mjs': { openBullMq(port: number): Promise<Opened> };
  readonly 'graphile-worker.mjs': { openGraphileWorker(connection: PostgresConnection): Promise<Opened> };
  readonly 'pg-boss.mjs': { openPgBoss(connection: PostgresConnection): Promise<Opened> };
  readonly 'plainjob.mjs': { openPlainjob(folder: string): Promise<Opened> };
  readonly 'postgres.mjs': { startPostgres(port: number): Promise<Postgres> };
}

interface PostgresConnection {
  readonly host: string;
  readonly port: number;
}

interface Postgres {
  readonly connection: PostgresConnection;
  stop(): Promise<void>;
}

export interface Peers {
  readonly contenders: readonly Contender[];
  [Symbol.asyncDispose](): Promise<void>;
}

const FOLDER = new URL('peers/', import.meta.url);
const REDIS_TRIES = 100;

function load<Name extends keyof PeerModules>(name: Name): Promise<PeerModules[Name]> {
  return import(new URL(name, FOLDER).href);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return address.port;
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

interface Redis {
  readonly port: number;
  stop(): Promise<void>;
}

async function startRedis(appendfsync: 'always' | 'everysec'): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-redis-'));
  const port = await freePort();
  const settings = { port, bind: '127.0.0.1', dir: folder, appendonly: 'yes', appendfsync, save: '', daemonize: 'no' };
  const redis = spawn(
    'redis-server',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    {
      stdio: 'ignore',
    },
  );
  await once(redis, 'spawn').catch((cause: unknown) => {
    throw new Error('redis-server is not installed: apt install redis-server', { cause });
  });
  for (let tries = 0; !(await answers(port)); tries++) {
    if (redis.exitCode !== null || tries > REDIS_TRIES) throw new Error('redis-server does not start');
    await wait(50);
  }
  return {
    port,
    stop: async () => {
      redis.kill();
      await once(redis, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts the servers that the peers need. Whoever asks for peers gets all of them or an error that says what to install. */
export async function openPeers(): Promise<Peers> {
  if (!existsSync(new URL('node_modules', FOLDER)))
    throw new Error('The peers are not installed: npm ci --prefix bench/peers');
  await using started = new AsyncDisposableStack();
  const keep = <Server extends { stop(): Promise<void> }>(server: Server): Server => {
    started.defer(() => server.stop());
    return server;
  };
  const { openBullMq } = await load('bullmq.mjs');
  const { openGraphileWorker } = await load('graphile-worker.mjs');
  const { openPgBoss } = await load('pg-boss.mjs');
  const { openPlainjob } = await load('plainjob.mjs');
  const always = keep(await startRedis('always'));
  const everysec = keep(await startRedis('everysec'));
  const { startPostgres } = await load('postgres.mjs');
  const { connection } = keep(await startPostgres(await freePort()));
  const running = started.move();
  return {
    contenders: [
      {
        name: 'BullMQ, appendfsync always',
        durability: 'power failure',
        settings: 'Redis, AOF, appendfsync always',
        open: () => openBullMq(always.port),
      },
      {
        name: 'BullMQ, appendfsync everysec',
        durability: 'one second at most is lost',
        settings: 'Redis, AOF, appendfsync everysec',
        open: () => openBullMq(everysec.port),
      },
      {
        name: 'graphile-worker',
        durability: 'power failure',
        settings: 'PostgreSQL 18 as it comes; with more than one in flight, a local queue and batched completions',
        open: () => openGraphileWorker(connection),
      },
      {
        name: 'pg-boss',
        durability: 'power failure',
        settings: 'PostgreSQL 18 as it comes',
        open: () => openPgBoss(connection),
      },
      {
        name: 'plainjob',
        durability: 'process crash',
        settings: 'SQLite as it sets it up: WAL, synchronous=NORMAL',
        open: openPlainjob,
      },
    ],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
