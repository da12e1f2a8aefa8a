/*
 * An echo account in a process of its own, told by its parent when time passes, when to begin anew and what to lose, and asked what
 * it has become. It is run by whatsapp-life-process.ts with --expose-gc, and ends when that does.
 */
import { EventEmitter } from 'node:events';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { queryObjects } from 'node:v8';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { Connection } from '../../src/channels/whatsapp/baileys/connection.ts';
import type { LinkEvent } from '../../src/channels/whatsapp/baileys/link.ts';
import { EchoAccount } from './echo-account.ts';
import { LeapingClock } from './leaping-clock.ts';
import {
  ACK_TIMEOUT_MS,
  type Figures,
  type LifeNews,
  type LifeOptions,
  lifeOrderSchema,
} from './whatsapp-life-process.ts';

const optionsSchema = z.object({
  database: z.string(),
  webUrl: z.string(),
  rootKey: z.string(),
}) satisfies z.ZodType<LifeOptions>;

const COUNT = { format: 'count' } as const;
/** So long that no leap ends it. */
const LEASE_MS = 7 * 24 * 3_600_000;
/** What a timer of Node is made by, which has no name for others. */
const Timeout = clearedTimer().constructor;

const options = optionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
const resourcesBefore = process.getActiveResourcesInfo();
const tell = (news: LifeNews): void => void process.send?.(news);
const clock = new LeapingClock();
const account = new EchoAccount({ ...options, clock, ackTimeoutMs: ACK_TIMEOUT_MS, leaseMs: LEASE_MS, link: follow });

process.on('disconnect', () => process.exit());
process.on('message', (order) => void obey(lifeOrderSchema.parse(order)));
await account.start();

function follow(event: LinkEvent): void {
  if (event.kind === 'qr') tell({ kind: 'qr', qr: event.qr });
  if (event.kind === 'open') tell({ kind: 'open' });
  // The wait begins when everybody has been told of it.
  if (event.kind === 'closed') setImmediate(() => clock.leap(event.delayMs ?? 0));
}

async function obey(order: z.infer<typeof lifeOrderSchema>): Promise<void> {
  switch (order.kind) {
    case 'leap':
      return clock.leap(order.ms);
    case 'restart':
      return account.restart();
    case 'lose-conversations':
      return loseConversations();
    case 'measure':
      return tell({ kind: 'measured', figures: figures() });
    case 'stop':
      await account.stop();
      return tell({ kind: 'stopped', leftovers: leftovers() });
  }
}

/** As if a copy of the database had been restored that is older than they are. */
async function loseConversations(): Promise<void> {
  await account.db.write(() => {
    account.db.prepare("DELETE FROM whatsapp_key WHERE name LIKE 'session:%' OR name LIKE 'sender-key%'").run();
  });
}

function figures(): Figures {
  collectGarbage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    rss,
    heapUsed,
    external,
    accepted: account.accepted,
    files: readdirSync(dirname(options.database)).sort(),
    rows: rows(),
    alive: {
      connections: queryObjects(Connection, COUNT),
      sockets: queryObjects(WebSocket, COUNT),
      emitters: queryObjects(EventEmitter, COUNT),
      timers: queryObjects(Timeout, COUNT),
    },
    armed: clock.armed,
  };
}

function rows(): Record<string, number> {
  const { db } = account;
  const keys = db
    .prepare<{ what: string; count: number }>(
      `SELECT 'key ' || substr(name, 1, instr(name || ':', ':') - 1) AS what, count(*) AS count
       FROM whatsapp_key GROUP BY what`,
    )
    .all();
  const tables = ['received', 'sent', 'person', 'owner'].map((what) => ({
    what,
    count: db.prepare<{ count: number }>(`SELECT count(*) AS count FROM whatsapp_${what}`).get()?.count ?? 0,
  }));
  return Object.fromEntries([...tables, ...keys].map(({ what, count }) => [what, count]));
}

/** What keeps the process from ending, or is still armed, and was not there in the beginning; but for the pipes to the parent. */
function leftovers(): string[] {
  const known = [...resourcesBefore];
  const resources = process.getActiveResourcesInfo().filter((resource) => {
    const index = known.indexOf(resource);
    if (index >= 0) known.splice(index, 1);
    return index < 0 && resource !== 'PipeWrap';
  });
  const timers = Array.from({ length: clock.armed }, () => 'a timer of the clock');
  return [...resources, ...timers];
}

function collectGarbage(): void {
  if (!globalThis.gc) throw new Error('run this with --expose-gc');
  globalThis.gc();
}

function clearedTimer(): NodeJS.Timeout {
  const timer = setTimeout(() => undefined, 0);
  clearTimeout(timer);
  return timer;
}
