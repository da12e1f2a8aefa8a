import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Agent } from '../agents/agent.ts';
import { approversAmong } from '../agents/approvers.ts';
import type { AgentContext, AgentWatcher } from '../agents/context.ts';
import { announcement } from '../agents/discovery.ts';
import type { Channel } from '../channels/channel.ts';
import { LOCAL, PERSON } from '../channels/local/local-channel.ts';
import type { AgentId } from '../domain/addresses.ts';
import { type AgentCard, READS_ENVELOPES } from '../domain/agent-card.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { deriveKeys, type EnvelopeKeys } from '../protocol/keys.ts';
import type { ProviderId } from '../providers/catalogue.ts';
import { ModelChain } from '../providers/chain.ts';
import { RateCap } from '../providers/rate-cap.ts';
import { chainLink } from '../providers/settings.ts';
import type { Workspace } from '../sandbox/workspace.ts';
import { DEFAULT_AGENT_MAX_LENGTH, DEFAULT_AGENT_RATE_LIMIT, Gate } from '../security/gate.ts';
import { normaliseIdentity } from '../security/identity.ts';
import type { Spool } from '../spool/spool.ts';
import type { Database } from '../spool/sqlite/database.ts';
import { keepSetting } from '../store/settings.ts';
import type { AgentConfig, Config } from './config/config.ts';
import type { DepartingFiles } from './departing-files.ts';
import { MEDIA, MediaFiles } from './media.ts';
import type { Records } from './records.ts';
import type { Toolbox } from './workspaces.ts';

interface AgentParts {
  readonly spool: Spool;
  readonly records: Records;
  readonly gate: Gate;
  readonly keys: EnvelopeKeys;
  /** The chat platforms, by name. */
  readonly channels: ReadonlyMap<string, Channel>;
  readonly links: () => readonly string[];
  /** What each of them may have beside the tools for talking. */
  readonly toolboxes: ReadonlyMap<AgentId, Toolbox>;
  readonly departingFiles: DepartingFiles;
  readonly onOpened: AgentWatcher['opened'] | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What each agent has for itself. */
type PerAgent = 'card' | 'persona' | 'chain' | 'toolPolicy' | 'approvalTimeoutMs' | 'extraTools' | 'fileSending';

/** The agents of this process, ready to handle their mailboxes. */
export function makeAgents(config: Config, parts: AgentParts): Agent[] {
  const { spool, records, gate, keys, channels, links, toolboxes, departingFiles, onOpened, clock, logger } = parts;
  const admins = adminsOf(config);
  const maxBytes = config.whatsapp?.maxMediaBytes ?? 0;
  const media = new MediaFiles({ folder: join(config.dataDir, MEDIA), maxBytes, channels });
  const sendingFrom =
    (workspace: Workspace): AgentContext['fileSending'] =>
    ({ channel: name }) => {
      const channel = channels.get(name);
      const refusal = channel?.fileRefusal?.bind(channel);
      return refusal ? { workspace, maxBytes, refusal, keep: departingFiles.keep.bind(departingFiles) } : null;
    };
  const { registry: directory, sessions, groups, discussions, audit, seen, teams, approvals } = records;
  const shared: Omit<AgentContext, PerAgent> = {
    ...{ directory, sessions, groups, discussions, audit, seen, teams, approvals, gate, keys, clock, logger, links },
    message: (id) => spool.message(id),
    requireAuth: config.security.requireAgentAuth,
    maxMessageAgeMs: config.security.maxMessageAgeMs,
    budget: config.budget,
    discussion: config.discussion,
    taskTimeoutMs: config.taskTimeoutMs,
    approvers: approversAmong(admins),
    status: (id) => spool.status(id),
    behind: (id, mailbox) => spool.behind(id, mailbox),
    debounceMs: (channel) => debounceMs(config, channel),
    filesOf: (chat) => media.describe(chat),
    isAdmin: ({ sender }) => [sender.id, ...(sender.aliases ?? [])].some((id) => admins.has(normaliseIdentity(id))),
    hasGroupChats: (name) => channels.get(name)?.capabilities.groups === true,
    carriesEnvelopes: (name) => name !== LOCAL && channels.has(name),
    watch: {
      opened: onOpened ?? (() => undefined),
      thinking: (_agent, { channel, account, peer }, on) => channels.get(channel)?.typing(account, peer, on),
    },
  };
  const caps = rateCaps(config.agents, clock);
  return config.agents.map((agent) => {
    const { tools = {}, workspace = null } = toolboxes.get(agent.id) ?? {};
    const links = agent.chain.map((settings) => chainLink(settings, agent.name, caps.get(settings.provider)));
    return new Agent({
      ...shared,
      card: cardOf(agent),
      persona: agent.persona,
      toolPolicy: agent.tools,
      approvalTimeoutMs: agent.tools.approvalMinutes * 60_000,
      extraTools: () => tools,
      fileSending: workspace ? sendingFrom(workspace) : () => null,
      chain: new ModelChain(links, { clock, logger }),
    });
  });
}

/** Who may give commands in a chat, normalised. Where nobody is named, whoever holds the local phone. */
export const adminsOf = ({ admins }: Config): ReadonlySet<string> =>
  new Set((admins.length > 0 ? admins : [PERSON.id]).map(normaliseIdentity));

/** How long an answer waits for what else a person has to say, in milliseconds. */
export const debounceMs = ({ whatsapp }: Config, channel: string): number =>
  channel === LOCAL ? 0 : (whatsapp?.debounceMs ?? 0);

export function cardOf({ id, name, capabilities, phone, chain }: AgentConfig): AgentCard {
  const provider = chain[0]?.provider ?? null;
  return {
    id,
    name,
    capabilities,
    device: hostname(),
    transport: 'sqlite',
    phone,
    provider,
    metadata: READS_ENVELOPES,
  };
}

/** Who is told of strangers, and of what could not be said: the first of the admins, where people have numbers. */
export const ownerOn =
  ({ admins: [first] }: Pick<Config, 'admins'>) =>
  (channel: string): string | null =>
    first === undefined || channel === LOCAL ? null : normaliseIdentity(first);

export function makeGate({ security, admins }: Config, clock: Clock): Gate {
  const { allowlist, blocklist, rateLimit, unlistedRateLimit, maxMessageLength } = security;
  return new Gate(
    {
      ...{ allowlist, blocklist, rateLimit, unlistedRateLimit },
      // Whoever is at this machine is a person, too.
      listed: [...admins, PERSON.id],
      agentRateLimit: DEFAULT_AGENT_RATE_LIMIT,
      maxLength: maxMessageLength,
      agentMaxLength: Math.max(DEFAULT_AGENT_MAX_LENGTH, maxMessageLength),
    },
    clock,
  );
}

/** The secrets that the agents share. The demo makes its own once, and keeps them. */
export async function envelopeKeys({ mode, security }: Config, db: Database): Promise<EnvelopeKeys> {
  const make = (): string => randomBytes(32).toString('hex');
  const own = async (name: string): Promise<string | null> => (mode === 'demo' ? keepSetting(db, name, make) : null);
  return deriveKeys({
    agentSecret: security.agentSecret ?? (await own('demo.agent-secret')),
    encryptionKey: security.encryptionKey ?? (await own('demo.encryption-key')),
  });
}

/** The agents of this process make themselves known to those on the database that they can talk to. */
export async function announce(
  cards: readonly AgentCard[],
  { registry }: Records,
  spool: Spool,
  keys: EnvelopeKeys,
  now: number,
): Promise<void> {
  const known = registry.list();
  const messages = cards.flatMap((card) => announcement(card, known, keys, now));
  if (messages.length > 0) await spool.send(messages);
}

/** The caps of requests per minute. A cap is the provider's: all agents of this process share it. */
function rateCaps(agents: readonly AgentConfig[], clock: Clock): Map<ProviderId, RateCap> {
  const caps = new Map<ProviderId, RateCap>();
  for (const { provider, requestsPerMinute } of agents.flatMap(({ chain }) => chain)) {
    if (requestsPerMinute !== undefined && !caps.has(provider)) {
      caps.set(provider, new RateCap(requestsPerMinute, clock));
    }
  }
  return caps;
}
