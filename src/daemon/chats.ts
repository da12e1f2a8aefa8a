import type { Channel } from '../channels/channel.ts';
import { LOCAL, LocalChannel } from '../channels/local/local-channel.ts';
import type { LinkEvent } from '../channels/whatsapp/baileys/link.ts';
import { type InboundOptions, inbound } from '../delivery/inbound.ts';
import { outbox } from '../delivery/outbox.ts';
import { routeByAccount } from '../delivery/router.ts';
import type { Handler } from '../delivery/worker.ts';
import { type Address, type AgentId, accountAddress } from '../domain/addresses.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { PROVIDERS } from '../providers/catalogue.ts';
import type { Gate } from '../security/gate.ts';
import { normaliseIdentity } from '../security/identity.ts';
import type { Spool } from '../spool/spool.ts';
import type { Database } from '../spool/sqlite/database.ts';
import { SqliteChatLog } from '../store/chat-log.ts';
import { SqliteEnvelopeParts } from '../store/envelope-parts.ts';
import { debounceMs } from './agents.ts';
import { chatCarrier } from './chat-carrier.ts';
import type { AgentConfig, Config } from './config/config.ts';
import { receiptOf } from './live-view.ts';
import type { Records } from './records.ts';
import { concernsAgents, openWhatsApp, type WhatsApp } from './whatsapp.ts';

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

/** The chat platforms of this process. Every agent has an account on each of them, named like the agent. */
export class Chats {
  readonly local: LocalChannel | null;
  readonly whatsapp: WhatsApp | null;
  readonly byName: ReadonlyMap<string, Channel>;
  readonly #options: ChatsOptions;
  readonly #parts: SqliteEnvelopeParts;

  /** Nothing is started yet. Throws CONFIG_INVALID. */
  constructor(options: ChatsOptions) {
    const { config, db, clock } = options;
    this.#options = options;
    this.#parts = new SqliteEnvelopeParts(db, { clock });
    this.local = config.platforms.includes(LOCAL) ? localChannel(options) : null;
    this.whatsapp = config.whatsapp && openWhatsApp(config, config.whatsapp, options);
    const channels = [this.local, this.whatsapp?.channel].flatMap((channel) => channel ?? []);
    this.byName = new Map(channels.map((channel) => [channel.name, channel]));
  }

  /** The handlers of the outboxes. */
  outboxes(): readonly { readonly address: Address; readonly handle: Handler }[] {
    const { agents } = this.#options.config;
    return [...this.byName.values()].flatMap((channel) =>
      agents.map(({ id }) => ({
        address: accountAddress(channel.name, id),
        handle: outbox(id, channel.send.bind(channel)),
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

  /** Forgets what was kept of messages before `olderThan` (epoch milliseconds). */
  async sweep(olderThan: number): Promise<void> {
    await this.#parts.sweep(olderThan);
    await this.whatsapp?.sweep(olderThan);
  }

  #wayIn(channel: Channel): InboundOptions {
    const { config, db, spool, records, gate, nameOf, clock } = this.#options;
    const accounts = new Map<string, AgentId>(config.agents.map(({ id }) => [id, id]));
    const { budget, ttlMs, whatsapp } = config;
    const [owner = null] = config.admins.map(normaliseIdentity);
    const common = { spool, route: routeByAccount(accounts), audit: records.audit, budget, ttlMs, nameOf, owner };
    const check = gate.check.bind(gate);
    if (channel.name === LOCAL || !whatsapp) return { ...common, check };
    const commit = async (writes: Parameters<InboundOptions['spool']['send']>[1]): Promise<void> =>
      db.write((tx) => {
        for (const write of writes ?? []) write(tx);
      });
    const delayMs = debounceMs(config, channel.name);
    return {
      ...common,
      check,
      concerns: concernsAgents(whatsapp),
      carrier: chatCarrier({ channel, gate, parts: this.#parts, commit }),
      ...(delayMs > 0 && { answerAt: () => clock.now() + delayMs }),
    };
  }
}

function localChannel({ config, db, spool, clock }: ChatsOptions): LocalChannel {
  const { agents } = config;
  return new LocalChannel({
    log: new SqliteChatLog(
      db,
      agents.map(({ id }) => id),
    ),
    clock,
    contacts: () => agents.map(contactOf),
    receiptOf: (id) => receiptOf(spool, LOCAL, id),
  });
}

function contactOf({ id, name, phone, chain }: AgentConfig): ReturnType<LocalChannel['state']>['contacts'][number] {
  const first = chain[0];
  const provider = first?.provider ?? 'none';
  const model = first ? (first.model ?? PROVIDERS[first.provider].defaultModel ?? '') : '';
  return { account: id, agent: { id, name }, phone: phone ?? id, provider, model, scripted: provider === 'demo' };
}
