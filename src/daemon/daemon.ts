import { join } from 'node:path';
import type { AgentWatcher } from '../agents/context.ts';
import type { LocalChannel } from '../channels/local/local-channel.ts';
import { loadPage } from '../channels/local/page-assets.ts';
import { localRoutes } from '../channels/local/routes.ts';
import type { LinkEvent } from '../channels/whatsapp/baileys/link.ts';
import { linkPage } from '../channels/whatsapp/link-page.ts';
import { deadLetterNotice } from '../delivery/dead-letter-notice.ts';
import { type Handler, Worker } from '../delivery/worker.ts';
import { type Address, type AgentId, agentAddress, agentId, agentOf } from '../domain/addresses.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { Semaphore } from '../lib/semaphore.ts';
import type { SecretOf } from '../links/http/http-link.ts';
import { DEAD_LETTERS } from '../spool/dead-letter.ts';
import type { Spool } from '../spool/spool.ts';
import { Database } from '../spool/sqlite/database.ts';
import { oldestLeased } from '../spool/sqlite/metrics.ts';
import { SqliteSpool } from '../spool/sqlite/sqlite-spool.ts';
import { announce, cardOf, envelopeKeys, makeAgents, makeGate, ownerOn } from './agents.ts';
import { Chats } from './chats.ts';
import type { Config } from './config/config.ts';
import { DepartingFiles } from './departing-files.ts';
import { every } from './every.ts';
import { close, healthServer, listen } from './http.ts';
import { introduce } from './introductions.ts';
import { removeOlder } from './kept-files.ts';
import { LinkDisplay } from './link-display.ts';
import { startLinks } from './links.ts';
import { showOnPage } from './live-view.ts';
import { MEDIA } from './media.ts';
import { PanelMetrics } from './panel-metrics.ts';
import { prometheusText } from './prometheus.ts';
import { openRecords } from './records.ts';
import { openToolboxes } from './workspaces.ts';

const HEARTBEAT_MS = 30_000;
/** How long it is known what was said in a chat, so that it can be answered and quoted, in milliseconds. */
const CHAT_MEMORY_MS = 30 * 24 * 3_600_000;
/** How long a stop waits for turns under way before it gives them up, to be handed out again, in milliseconds. */
const DRAIN_MS = 10_000;

export interface Daemon {
  /** The page of the local chat. */
  readonly url: string;
  readonly spool: Spool;
  /** The local chat, unless it is switched off. */
  readonly channel: LocalChannel | null;
  /** Takes nothing new, finishes what is in hand, closes. Idempotent. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly logger: Logger;
  readonly clock?: Clock;
  /** What agents of this machine sign with what they send to agents on relays; default: nothing. */
  readonly secretOf?: SecretOf;
  /** Sees every envelope that an agent of this process opens. */
  readonly onOpened?: AgentWatcher['opened'];
}

/** What has been started, in order, as what stops it. */
type Stops = (() => Promise<void> | void)[];

/** Starts the parts in the order in which they need each other; stops them in the reverse. Throws a ParleyError, with everything stopped. */
export async function startDaemon(config: Config, options: DaemonOptions): Promise<Daemon> {
  const stops: Stops = [];
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= stopAll(stops, options.logger);
    return stopping;
  };
  try {
    return { ...(await start(config, options, stops)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  config: Config,
  { logger, onOpened, clock = systemClock, secretOf = () => null }: DaemonOptions,
  stops: Stops,
): Promise<Omit<Daemon, 'stop'>> {
  const db = new Database(config.databasePath, { clock });
  stops.push(() => db.close());
  const spool = new SqliteSpool(db, { clock });
  stops.push(() => spool.close());
  const recovered = await spool.recover();
  if (recovered > 0) logger.info({ deliveries: recovered }, 'taken back from a process that was killed');

  const records = openRecords(db, clock);
  const { registry } = records;
  const cards = config.agents.map(cardOf);
  for (const card of cards) await registry.register(card);
  const nameOf = (id: AgentId): string => registry.get(id)?.name ?? id;
  const beat = async (): Promise<void> => void (await Promise.all(cards.map(({ id }) => registry.heartbeat(id))));

  const keys = await envelopeKeys(config, db);
  const gate = makeGate(config, clock);
  // Until the server has said where it listens; a code to scan takes longer.
  let page = `http://localhost:${config.http.port}/`;
  const display = new LinkDisplay({
    accounts: config.agents.filter(({ id }) => config.accounts.includes(id)),
    folder: config.dataDir,
    pageUrl: () => new URL('whatsapp', page).href,
    terminal: process.stderr,
    logger,
  });
  stops.push(() => display.stop());
  const introductions = { spool, directory: registry, keys, clock, peers: config.peers, cards };
  const link = (event: LinkEvent): void => {
    display.follow(event);
    if (event.kind !== 'open') return;
    introduce(agentId(event.account), 'whatsapp', introductions).catch((error: unknown) =>
      logger.warn({ error: errorText(error) }, 'the peers could not be greeted'),
    );
  };
  const chats = new Chats({ config, db, spool, records, gate, nameOf, link, clock, logger });
  const { local } = chats;
  if (local) stops.push(showOnPage(spool, local, clock));
  // Stopped after the workers: what they have in hand is still said.
  stops.push(() => chats.stop());
  const carriers = chats.whatsapp ? [chats.whatsapp.channel] : [];
  const links = await startLinks({
    config,
    cards,
    spool,
    directory: registry,
    carriers,
    keys,
    secretOf,
    clock,
    logger,
  });
  // Stopped after the workers: what they have made of a task is still answered.
  stops.push(() => links.stop());
  const workers: Worker[] = [];
  const serve = (mailbox: Address, handle: Handler, concurrency = 1): void => {
    workers.push(new Worker({ spool, mailbox, handle, concurrency, leaseMs: config.leaseMs, logger, clock }));
  };
  stops.push(async () => {
    const giveUp = AbortSignal.timeout(DRAIN_MS);
    await Promise.all(workers.map((worker) => worker.stop(giveUp)));
  });
  await chats.start();
  for (const { address, handle } of chats.outboxes()) serve(address, handle);
  const toolboxes = await openToolboxes(config, { clock, logger });
  const departingFiles = new DepartingFiles({ folder: join(config.dataDir, 'outgoing'), spool, clock });
  const parts = {
    ...{ spool, records, gate, keys, onOpened, clock, logger, toolboxes, departingFiles },
    channels: chats.byName,
    links: links.states,
  };
  const turns = new Semaphore(config.maxConcurrentTurns);
  for (const agent of makeAgents(config, parts)) {
    const handle: Handler = (delivery, signal) => turns.run(() => agent.handle(delivery, signal), signal);
    serve(agentAddress(agent.id), handle, config.agents.find(({ id }) => id === agent.id)?.concurrency);
  }
  const nameAt = (address: Address): string => nameOf(agentOf(address) ?? (address as string as AgentId));
  serve(DEAD_LETTERS, deadLetterNotice({ find: spool.message.bind(spool), nameOf: nameAt, ownerOn: ownerOn(config) }));

  const panels = new PanelMetrics(spool, clock);
  stops.push(() => panels.stop());
  const app = healthServer({
    agents: cards.map((card) => card.name),
    startedAt: clock.now(),
    now: () => clock.now(),
    check: beat,
    accounts: () => chats.health(),
    metrics: () =>
      prometheusText({
        ...spool.stats(),
        oldestLeased: oldestLeased(db),
        agents: registry.list(),
        panels: panels.figures(),
        accounts: chats.health(),
        now: clock.now(),
      }),
  });
  if (local) {
    const assets = await loadPage();
    await app.register(
      localRoutes(local, { clock, page: assets, offers: config.offers, suggestions: suggestionsFor(config) }),
    );
  }
  if (chats.whatsapp?.routes) await app.register(chats.whatsapp.routes);
  if (config.whatsapp?.mode === 'baileys') await app.register(linkPage({ accounts: () => display.accounts() }));
  const url = await listen(app, config.http);
  stops.push(() => close(app));
  page = url;

  await announce(cards, records, spool, keys, clock.now());
  const { idleHours, sweepMinutes } = config.history;
  const sweep = async (): Promise<void> => {
    const idleSince = clock.now() - idleHours * 3_600_000;
    await records.sessions.purge(idleSince);
    await records.teams.purge(idleSince);
    await records.approvals.purge(idleSince);
    await chats.sweep(clock.now() - CHAT_MEMORY_MS);
    await records.seen.sweep(clock.now());
    await spool.cleanup(idleSince);
    await records.discussions.purge();
    await departingFiles.sweep();
    await removeOlder(join(config.dataDir, MEDIA), clock.now() - CHAT_MEMORY_MS);
  };
  stops.push(every(HEARTBEAT_MS, { clock, logger }, beat), every(sweepMinutes * 60_000, { clock, logger }, sweep));
  return { url, spool, channel: local };
}

function suggestionsFor({ mode, agents }: Config): { account: string; text: string }[] {
  const [host] = agents;
  if (mode !== 'demo' || !host) return [];
  return DEMO_CONVERSATION.map((text) => ({ account: host.id, text }));
}

/** What a newcomer is offered to say; `parley demo` says the same. */
export const DEMO_CONVERSATION = [
  'Create a research group with Atlas, Nova and Bolt',
  'Tell the Research Team: What are your thoughts on quantum error correction?',
] as const;

async function stopAll(stops: Stops, logger: Logger): Promise<void> {
  for (const stop of [...stops].reverse()) {
    try {
      await stop();
    } catch (error) {
      logger.error({ error: errorText(error) }, 'a part did not stop cleanly');
    }
  }
}
