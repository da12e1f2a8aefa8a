import { choicesOf, commandOfReaction } from '../agents/approval-choices.ts';
import { describeCall } from '../agents/approval-words.ts';
import { chatCommand } from '../agents/commands.ts';
import { overhear } from '../agents/overheard.ts';
import type { Channel } from '../channels/channel.ts';
import { LOCAL, LocalChannel, PERSON } from '../channels/local/local-channel.ts';
import type { Waiting } from '../channels/local/wire.ts';
import type { LinkEvent } from '../channels/whatsapp/baileys/link.ts';
import { type InboundOptions, inbound } from '../delivery/inbound.ts';
import { outbox } from '../delivery/outbox.ts';
import type { Route } from '../delivery/router.ts';
import type { Handler } from '../delivery/worker.ts';
import { type Address, type AgentId, accountAddress } from '../domain/addresses.ts';
import type { ChatOut, Peer } from '../domain/chat.ts';
import type { Write } from '../domain/write.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { PROVIDERS } from '../providers/catalogue.ts';
import type { Gate } from '../security/gate.ts';
import { normaliseIdentity } from '../security/identity.ts';
import type { Spool } from '../spool/spool.ts';
import type { Database } from '../spool/sqlite/database.ts';
import { SqliteChatLog } from '../store/chat-log.ts';
import { SqliteEnvelopeParts } from '../store/envelope-parts.ts';
import type { AccountHealth } from './account-health.ts';
import { adminsOf, debounceMs, ownerOn } from './agents.ts';
import { chatCarrier } from './chat-carrier.ts';
import type { AgentConfig, Config } from './config/config.ts';
import { receiptOf } from './live-view.ts';
import type { Records } from './records.ts';
import { routeOf } from './routing.ts';
import { speakingAgent } from './speaking-agent.ts';
import { attentionOf, openWhatsApp, type WhatsApp } from './whatsapp.ts';

interface ChatsOptions {
  readonly config: Config;
  readonly db: Database;
  readonly spool: Spool;
  readonly records: Records;
  readonly gate: Gate;
  readonly nameOf: (agent: AgentId) => string;
  readonly link: (event: LinkEvent) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The chat platforms of this process. Each account has the name of the agent whose number it is. */
export class Chats {
  readonly local: LocalChannel | null;
  readonly whatsapp: WhatsApp | null;
  readonly byName: ReadonlyMap<string, Channel>;
  readonly #options: ChatsOptions;
  readonly #parts: SqliteEnvelopeParts;
  readonly #route: Route;

  /** Nothing is started yet. Throws CONFIG_INVALID. */
  constructor(options: ChatsOptions) {
    const { config, db, clock } = options;
    this.#options = options;
    this.#parts = new SqliteEnvelopeParts(db, { clock });
    this.#route = routeOf(config);
    this.local = config.platforms.includes(LOCAL) ? localChannel(options) : null;
    const agentsIn = this.#agentsIn.bind(this);
    this.whatsapp = config.whatsapp && openWhatsApp(config, config.whatsapp, { ...options, agentsIn });
    const channels = [this.local, this.whatsapp?.channel].flatMap((channel) => channel ?? []);
    this.byName = new Map(channels.map((channel) => [channel.name, channel]));
  }

  /** The handlers of the outboxes. */
  outboxes(): readonly { readonly address: Address; readonly handle: Handler }[] {
    const { accounts } = this.#options.config;
    return [...this.byName.values()].flatMap((channel) =>
      accounts.map((id) => ({
        address: accountAddress(channel.name, id),
        handle: outbox(id, channel.send.bind(channel), (chat) => this.#isShared(channel.name, id, chat)),
      })),
    );
  }

  /** From now on messages come in. */
  async start(): Promise<void> {
    for (const channel of this.byName.values()) await channel.start(inbound(this.#wayIn(channel)));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.byName.values()].map((channel) => channel.stop()));
  }

  /** How the accounts fare that can lose their connection; those of the local chat have none to lose. */
  health(): readonly AccountHealth[] {
    return this.whatsapp?.health() ?? [];
  }

  /** Forgets what was kept of messages before `olderThan` (epoch milliseconds). */
  async sweep(olderThan: number): Promise<void> {
    await this.#parts.sweep(olderThan);
    await this.whatsapp?.sweep(olderThan);
  }

  /** What those are called who answer in a chat on WhatsApp from an account. */
  #agentsIn(account: string, peer: Peer): string[] {
    const { agents, panel } = this.#route({ channel: 'whatsapp', account, peer, sender: { id: peer.id }, text: '' });
    return (panel?.agents ?? agents).map(({ id }) => this.#options.nameOf(id));
  }

  /** Whether several agents write in a chat from one account; the page of the local chat shows who does. */
  #isShared(channel: string, account: AgentId, { peer }: Pick<ChatOut, 'peer'>): boolean {
    if (channel === LOCAL && peer.kind === 'group') return false;
    return this.#route({ channel, account, peer, sender: { id: peer.id }, text: '' }).panel !== null;
  }

  #wayIn(channel: Channel): InboundOptions {
    const { config, spool, records, gate, nameOf, clock } = this.#options;
    const { budget, ttlMs, whatsapp, ackReaction } = config;
    const owner = ownerOn(config)(channel.name);
    const check = gate.check.bind(gate);
    const overheard: InboundOptions['overheard'] = (chat, id) =>
      this.#commit([overhear(records.sessions, chat, id, clock.now())]);
    const isCommand = (text: string): boolean => chatCommand(text) !== null;
    const common = {
      ...{ spool, route: this.#route, check, isCommand, overheard, audit: records.audit },
      ...{ budget, ttlMs, nameOf, owner },
    };
    if (channel.name === LOCAL || !whatsapp) return common;
    const delayMs = debounceMs(config, channel.name);
    return {
      ...common,
      attention: attentionOf(whatsapp, this.#route),
      speakingAgent: speakingAgent({ channel, accounts: config.accounts, nameOf, registry: records.registry, gate }),
      carrier: chatCarrier({ channel, gate, parts: this.#parts, commit: (writes) => this.#commit(writes) }),
      saidByReaction: (reaction) => commandOfReaction(records.approvals, reaction),
      acknowledgement: ({ peer }) => (peer.kind === 'group' ? ackReaction : null),
      ...(delayMs > 0 && { answerAt: () => clock.now() + delayMs }),
    };
  }

  async #commit(writes: readonly Write[]): Promise<void> {
    await this.#options.db.write((tx) => {
      for (const write of writes) write(tx);
    });
  }
}

function localChannel(options: ChatsOptions): LocalChannel {
  const { config, db, spool, clock } = options;
  const { accounts } = config;
  const agents = config.agents.filter(({ id }) => accounts.includes(id));
  return new LocalChannel({
    log: new SqliteChatLog(
      db,
      agents.map(({ id }) => id),
    ),
    clock,
    contacts: () => agents.map(contactOf),
    receiptOf: (id) => receiptOf(spool, LOCAL, id),
    waiting: () => waitingFor(PERSON.id, options),
  });
}

/** The requests that a person can decide now. */
function waitingFor(person: string, { config, records, nameOf, clock }: ChatsOptions): Waiting[] {
  if (!adminsOf(config).has(normaliseIdentity(person))) return [];
  return records.approvals
    .list('waiting')
    .filter(({ expiresAt }) => expiresAt > clock.now())
    .map((approval) => {
      const { number, agent, expiresAt } = approval;
      return { number, agent, text: describeCall(approval, nameOf(agent)), expiresAt, choices: choicesOf(number) };
    });
}

function contactOf({ id, name, phone, chain }: AgentConfig): ReturnType<LocalChannel['state']>['contacts'][number] {
  const first = chain[0];
  const provider = first?.provider ?? 'none';
  const model = first ? (first.model ?? PROVIDERS[first.provider].defaultModel ?? '') : '';
  return { account: id, agent: { id, name }, phone: phone ?? id, provider, model, scripted: provider === 'demo' };
}
