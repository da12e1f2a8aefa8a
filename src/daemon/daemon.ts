import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Agent } from '../agents/agent.ts';
import type { AgentContext, AgentWatcher } from '../agents/context.ts';
import { announcement } from '../agents/discovery.ts';
import { LocalChannel, PERSON } from '../channels/local/local-channel.ts';
import { loadPage } from '../channels/local/page-assets.ts';
import { localRoutes } from '../channels/local/routes.ts';
import { deadLetterNotice } from '../delivery/dead-letter-notice.ts';
import { inbound } from '../delivery/inbound.ts';
import { outbox } from '../delivery/outbox.ts';
import { routeByAccount } from '../delivery/router.ts';
import { type Handler, Worker } from '../delivery/worker.ts';
import { type Address, accountAddress, agentAddress, agentOf } from '../domain/addresses.ts';
import type { AgentCard } from '../domain/agent-card.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { deriveKeys, type EnvelopeKeys } from '../protocol/keys.ts';
import { PROVIDERS, type ProviderId } from '../providers/catalogue.ts';
import { ModelChain } from '../providers/chain.ts';
import { RateCap } from '../providers/rate-cap.ts';
import { chainLink } from '../providers/settings.ts';
import { SqliteRegistry } from '../registry/sqlite-registry.ts';
import { DEFAULT_AGENT_MAX_LENGTH, DEFAULT_AGENT_RATE_LIMIT, Gate } from '../security/gate.ts';
import { normaliseIdentity } from '../security/identity.ts';
import { DEAD_LETTERS } from '../spool/dead-letter.ts';
import type { Spool } from '../spool/spool.ts';
import { Database } from '../spool/sqlite/database.ts';
import { count, oldestLeased } from '../spool/sqlite/metrics.ts';
import { SqliteSpool } from '../spool/sqlite/sqlite-spool.ts';
import { SqliteAuditLog } from '../store/audit-log.ts';
import { SqliteChatLog } from '../store/chat-log.ts';
import { SqliteDiscussions, SqliteGroups } from '../store/groups.ts';
import { SqliteSeenEnvelopes } from '../store/seen-envelopes.ts';
import { SqliteSessions } from '../store/sessions.ts';
import { keepSetting } from '../store/settings.ts';
import type { AgentConfig, Config } from './config/config.ts';
import { close, healthServer, listen } from './http.ts';
import { receiptOf, showOnPage } from './live-view.ts';
import { prometheusText } from './prometheus.ts';

/** How many deliveries an agent handles at once: they are of different conversations. */
const AGENT_CONCURRENCY = 4;
const HEARTBEAT_MS = 30_000;
/** How long a stop waits for turns under way before it gives them up, to be handed out again, in milliseconds. */
const DRAIN_MS = 10_000;

export interface Daemon {
  /** The page of the local chat. */
  readonly url: string;
  readonly spool: Spool;
  readonly channel: LocalChannel;
  /** Takes nothing new, finishes what is in hand, closes. Idempotent. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Sees every envelope that an agent of this process opens. */
  readonly onOpened?: AgentWatcher['opened'];
}

/** Puts the parts together and starts them, in the order in which they need each other; stops them in the reverse. Throws a ParleyError. */
export async function startDaemon(config: Config, options: DaemonOptions): Promise<Daemon> {
  const { logger, clock = systemClock } = options;
  const stops: (() => Promise<void> | void)[] = [];
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= stopAll(stops, logger);
    return stopping;
  };
  try {
    const db = new Database(config.databasePath, { clock });
    stops.push(() => db.close());
    const spool = new SqliteSpool(db, { clock });
    stops.push(() => spool.close());
    const recovered = await spool.recover();
    if (recovered > 0) logger.info({ deliveries: recovered }, 'taken back from a process that was killed');

    const keys = await envelopeKeys(config, db);
    const registry = new SqliteRegistry(db, { clock });
    const audit = new SqliteAuditLog(db, { clock });
    const sessions = new SqliteSessions(db);
    const seen = new SqliteSeenEnvelopes(db);
    const gate = new Gate(
      {
        allowlist: config.security.allowlist,
        blocklist: config.security.blocklist,
        rateLimit: config.security.rateLimit,
        agentRateLimit: DEFAULT_AGENT_RATE_LIMIT,
        maxLength: config.security.maxMessageLength,
        agentMaxLength: Math.max(DEFAULT_AGENT_MAX_LENGTH, config.security.maxMessageLength),
      },
      clock,
    );
    const cards = config.agents.map(cardOf);
    const accounts = new Map(config.agents.map(({ id }) => [id as string, id]));
    const channel = new LocalChannel({
      log: new SqliteChatLog(db, [...accounts.keys()]),
      clock,
      contacts: () => config.agents.map(contactOf),
      receiptOf: (id) => receiptOf(spool, 'local', id),
    });
    const admins = new Set((config.admins.length > 0 ? config.admins : [PERSON.id]).map(normaliseIdentity));
    const shared: Omit<AgentContext, 'card' | 'persona' | 'chain'> = {
      directory: registry,
      sessions,
      groups: new SqliteGroups(db),
      discussions: new SqliteDiscussions(db),
      message: (id) => spool.message(id),
      audit,
      gate,
      keys,
      requireAuth: config.security.requireAgentAuth,
      maxMessageAgeMs: config.security.maxMessageAgeMs,
      seen,
      budget: config.budget,
      discussion: config.discussion,
      isAdmin: (chat) => admins.has(normaliseIdentity(chat.sender.id)),
      hasGroupChats: (name) => name === channel.name && channel.capabilities.groups,
      watch: {
        opened: options.onOpened ?? (() => undefined),
        thinking: (_agent, place, on) => channel.typing(place.account, place.peer, on),
      },
      clock,
      logger,
    };
    const caps = rateCaps(config.agents, clock);
    const agents = config.agents.map((agent, index) => {
      const links = agent.chain.map((settings) => chainLink(settings, agent.name, caps.get(settings.provider)));
      return new Agent({
        ...shared,
        card: cards[index] ?? cardOf(agent),
        persona: agent.persona,
        chain: new ModelChain(links, { clock, logger }),
      });
    });
    for (const card of cards) await registry.register(card);

    stops.push(showOnPage(spool, channel, clock));
    // Stopped after the workers: what they have in hand is still said.
    stops.push(() => channel.stop());
    const workers: Worker[] = [];
    const serve = (mailbox: Address, handle: Handler, concurrency: number): void => {
      workers.push(new Worker({ spool, mailbox, handle, concurrency, leaseMs: config.leaseMs, logger, clock }));
    };
    stops.push(async () => {
      const giveUp = AbortSignal.timeout(DRAIN_MS);
      await Promise.all(workers.map((worker) => worker.stop(giveUp)));
    });
    await channel.start(
      inbound({
        spool,
        route: routeByAccount(accounts),
        check: (chat) => gate.check(chat),
        audit,
        budget: config.budget,
        ttlMs: config.ttlMs,
        nameOf: (agent) => registry.get(agent)?.name ?? agent,
        owner: config.admins[0] ?? null,
      }),
    );
    for (const account of accounts.keys())
      serve(
        accountAddress(channel.name, account),
        outbox(account, (departure) => channel.send(departure)),
        1,
      );
    for (const agent of agents) serve(agentAddress(agent.id), agent.handle, AGENT_CONCURRENCY);
    serve(
      DEAD_LETTERS,
      deadLetterNotice(
        (id) => spool.message(id),
        (to) => nameOf(to, registry),
      ),
      1,
    );

    const app = healthServer({
      agents: cards.map((card) => card.name),
      startedAt: clock.now(),
      now: () => clock.now(),
      check: () => beat(registry, cards),
      metrics: () =>
        prometheusText({
          ...count(db),
          oldestLeased: oldestLeased(db),
          agents: registry.list(),
          now: clock.now(),
        }),
    });
    await app.register(
      localRoutes(channel, {
        clock,
        page: await loadPage(),
        offers: config.offers,
        suggestions: suggestionsFor(config),
      }),
    );
    const url = await listen(app, config.http);
    stops.push(() => close(app));

    await announce(cards, registry, spool, keys, clock);
    stops.push(every(clock, HEARTBEAT_MS, logger, () => beat(registry, cards)));
    const { idleHours, sweepMinutes } = config.history;
    stops.push(
      every(clock, sweepMinutes * 60_000, logger, async () => {
        const idleSince = clock.now() - idleHours * 3_600_000;
        await sessions.purge(idleSince);
        await seen.sweep(clock.now());
        await spool.cleanup(idleSince);
      }),
    );
    return { url, spool, channel, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The secrets that the agents share. The demo makes its own once, and keeps them. */
async function envelopeKeys({ mode, security }: Config, db: Database): Promise<EnvelopeKeys> {
  const make = (): string => randomBytes(32).toString('hex');
  const own = async (name: string): Promise<string | null> => (mode === 'demo' ? keepSetting(db, name, make) : null);
  return deriveKeys({
    agentSecret: security.agentSecret ?? (await own('demo.agent-secret')),
    encryptionKey: security.encryptionKey ?? (await own('demo.encryption-key')),
  });
}

/** The caps of requests per minute. A cap is the provider's: all agents of this process share it. */
function rateCaps(agents: readonly AgentConfig[], clock: Clock): Map<ProviderId, RateCap> {
  const caps = new Map<ProviderId, RateCap>();
  for (const { provider, requestsPerMinute } of agents.flatMap(({ chain }) => chain)) {
    if (requestsPerMinute !== undefined && !caps.has(provider))
      caps.set(provider, new RateCap(requestsPerMinute, clock));
  }
  return caps;
}

function cardOf({ id, name, capabilities, phone, chain }: AgentConfig): AgentCard {
  return {
    id,
    name,
    capabilities,
    device: hostname(),
    transport: 'sqlite',
    phone,
    provider: chain[0]?.provider ?? null,
    metadata: {},
  };
}

function contactOf({ id, name, phone, chain }: AgentConfig): ReturnType<LocalChannel['state']>['contacts'][number] {
  const first = chain[0];
  const model = first ? (first.model ?? PROVIDERS[first.provider].defaultModel ?? '') : '';
  return {
    account: id,
    agent: { id, name },
    phone: phone ?? id,
    provider: first?.provider ?? 'none',
    model,
    scripted: first?.provider === 'demo',
  };
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

const nameOf = (address: Address, registry: SqliteRegistry): string => {
  const id = agentOf(address);
  return (id && registry.get(id)?.name) ?? address;
};

/** The agents of this process make themselves known to all others on the database. */
async function announce(
  cards: readonly AgentCard[],
  registry: SqliteRegistry,
  spool: Spool,
  keys: EnvelopeKeys,
  clock: Clock,
): Promise<void> {
  const known = registry.list();
  const messages = cards.flatMap((card) =>
    announcement(
      card,
      known.filter(({ id }) => id !== card.id),
      keys,
      clock.now(),
    ),
  );
  if (messages.length > 0) await spool.send(messages);
}

async function beat(registry: SqliteRegistry, cards: readonly AgentCard[]): Promise<void> {
  await Promise.all(cards.map(({ id }) => registry.heartbeat(id)));
}

/** Does something again and again; what it throws is logged. The returned function ends it. */
function every(clock: Clock, ms: number, logger: Logger, work: () => Promise<void>): () => void {
  let cancel: () => void = () => undefined;
  const arm = (): void => {
    cancel = clock.timer(clock.now() + ms, () => {
      arm();
      work().catch((error: unknown) => logger.error({ error: errorText(error) }, 'a periodic task failed'));
    });
  };
  arm();
  return () => cancel();
}

async function stopAll(stops: readonly (() => Promise<void> | void)[], logger: Logger): Promise<void> {
  for (const stop of [...stops].reverse()) {
    try {
      await stop();
    } catch (error) {
      logger.error({ error: errorText(error) }, 'a part did not stop cleanly');
    }
  }
}
