import type { Channel } from '../channels/channel.ts';
import { HubClient } from '../client/index.ts';
import type { AgentCard } from '../domain/agent-card.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { AgentHttpLink } from '../links/agent-http/agent-http-link.ts';
import { AGENT_HTTP } from '../links/agent-http/http-agent.ts';
import { ChatLink } from '../links/chat/chat-link.ts';
import { HttpLink, type SecretOf } from '../links/http/http-link.ts';
import { HubLink } from '../links/hub/hub-link.ts';
import type { EnvelopeKeys } from '../protocol/keys.ts';
import type { SqliteRegistry } from '../registry/sqlite-registry.ts';
import type { Spool } from '../spool/spool.ts';
import type { Config } from './config/config.ts';
import { Forwarding, type Way } from './forwarding.ts';
import { HttpAgents } from './http-agents.ts';
import { HUB, HubMembership } from './hub-membership.ts';

/** How many tasks an agent elsewhere is given at once. */
const TASKS_AT_ONCE = 4;
/** How long a stop waits for the last answers to reach the hub, in milliseconds. */
const LAST_ANSWERS_MS = 2_000;

interface LinksOptions {
  readonly config: Config;
  /** The agents of this process. */
  readonly cards: readonly AgentCard[];
  readonly spool: Spool;
  readonly directory: SqliteRegistry;
  /** The chat platforms over which agents elsewhere can be written to. */
  readonly carriers: readonly Channel[];
  readonly keys: EnvelopeKeys;
  /** What an agent of this machine signs with at a relay. */
  readonly secretOf: SecretOf;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Links {
  /** How each of them is, in a line for people. */
  states(): readonly string[];
  stop(): Promise<void>;
}

/** Opens the ways to agents elsewhere, and from them to the agents of this process. */
export async function startLinks(options: LinksOptions): Promise<Links> {
  const { config, cards, spool, directory, carriers, keys, secretOf, clock, logger } = options;
  const { taskTimeoutMs } = config;
  const hub = config.hub && { url: config.hub.url, client: new HubClient({ ...hubAccount(config.hub), clock }) };
  const httpAgents = new Map(config.httpAgents.map((agent) => [agent.id, agent]));
  const agentOf = (id: AgentCard['id']) => httpAgents.get(id) ?? null;
  const agentHttp = new AgentHttpLink({ agentOf, taskTimeoutMs, clock });
  const accounts = new Set<string>(config.accounts);
  const ways = new Map<string, Way>([
    ['http', { link: new HttpLink({ secretOf, clock }), concurrency: 1 }],
    [AGENT_HTTP, { link: agentHttp, concurrency: TASKS_AT_ONCE, serves: (id) => httpAgents.has(id) }],
    ...carriers.map((channel) => [channel.name, { link: new ChatLink(channel, accounts), concurrency: 1 }] as const),
    ...(hub ? [[HUB, { link: new HubLink(hub.client), concurrency: TASKS_AT_ONCE }] as const] : []),
  ]);
  const presence = await HttpAgents.start({ agents: config.httpAgents, directory, logger, clock });
  const forwarding = new Forwarding({ spool, directory, links: ways, keys, logger, clock });
  const met = (): void => forwarding.look();
  const membership = hub && new HubMembership({ ...hub, cards, spool, directory, keys, met, logger, clock });
  return {
    states: () => (membership ? [membership.status()] : []),
    stop: async () => {
      await Promise.all([presence.stop(), forwarding.stop(), membership?.stop(AbortSignal.timeout(LAST_ANSWERS_MS))]);
    },
  };
}

const hubAccount = ({ url, secret }: NonNullable<Config['hub']>) => ({ url, ...(secret !== null && { secret }) });
