import type { FastifyPluginAsync } from 'fastify';
import type { Channel } from '../channels/channel.ts';
import { BaileysChannel } from '../channels/whatsapp/baileys/channel.ts';
import type { LinkEvent } from '../channels/whatsapp/baileys/link.ts';
import { CloudChannel } from '../channels/whatsapp/cloud/channel.ts';
import { cloudRoutes } from '../channels/whatsapp/cloud/routes.ts';
import { type Attention, arrivedId } from '../delivery/inbound.ts';
import type { Route } from '../delivery/router.ts';
import { undeliveredNotice } from '../delivery/undelivered-notice.ts';
import { messageId } from '../domain/addresses.ts';
import { type ChatIn, chatOutSchema, type Peer, saidIn } from '../domain/chat.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Spool } from '../spool/spool.ts';
import type { Database } from '../spool/sqlite/database.ts';
import { SqliteCloudStore } from '../store/whatsapp-cloud.ts';
import { SqliteWhatsAppSessions } from '../store/whatsapp-session.ts';
import type { AccountHealth } from './account-health.ts';
import { ownerOn } from './agents.ts';
import type { Config, WhatsAppConfig } from './config/config.ts';
import { linkedAccounts } from './config/whatsapp.ts';

interface WhatsAppOptions {
  readonly db: Database;
  readonly spool: Spool;
  readonly link: (event: LinkEvent) => void;
  /** What those are called who answer in a chat from an account. */
  readonly agentsIn: (account: string, peer: Peer) => readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface WhatsApp {
  readonly channel: Channel;
  /** What WhatsApp calls us with; null where we call it. */
  readonly routes: FastifyPluginAsync | null;
  /** How its accounts fare. */
  health(): readonly AccountHealth[];
  /** Forgets what was kept of messages before `olderThan` (epoch milliseconds). */
  sweep(olderThan: number): Promise<void>;
}

/** WhatsApp as it is configured; not yet started. Throws CONFIG_INVALID. */
export function openWhatsApp(config: Config, whatsapp: WhatsAppConfig, options: WhatsAppOptions): WhatsApp {
  return whatsapp.cloud ? openCloud(config, whatsapp.cloud, options) : openBaileys(config, whatsapp, options);
}

function openBaileys(config: Config, whatsapp: WhatsAppConfig, options: WhatsAppOptions): WhatsApp {
  const { db, link, agentsIn, clock, logger } = options;
  const { linkBy, webUrl, rootKey } = whatsapp;
  const sessions = new SqliteWhatsAppSessions(db, { clock });
  const accounts = linkedAccounts(config);
  const channel = new BaileysChannel({
    accounts,
    ...{ sessions, link, agentsIn, linkBy, clock, logger },
    ...(webUrl !== null && { webUrl }),
    ...(rootKey !== null && { rootKey }),
  });
  return {
    channel,
    routes: null,
    health: () =>
      accounts.map(({ id }) => {
        const { kind, reason = null } = channel.state(id);
        return { channel: channel.name, account: id, state: kind, reason };
      }),
    // The sessions keep no more than they need.
    sweep: async () => undefined,
  };
}

function openCloud(
  config: Config,
  cloud: NonNullable<WhatsAppConfig['cloud']>,
  { db, spool, clock, logger }: WhatsAppOptions,
): WhatsApp {
  const { phoneNumberId, accessToken, appSecret, verifyToken, apiVersion: version, graphUrl, template } = cloud;
  const store = new SqliteCloudStore(db);
  const ids = config.accounts.slice(0, 1);
  const channel = new CloudChannel({
    accounts: ids.map((id) => ({ id, phoneNumberId, accessToken })),
    ...{ appSecret, verifyToken, version, graphUrl, store, clock, logger },
    ...(template !== null && { template }),
    said: (id) =>
      saidIn(spool.message('departure' in id ? messageId(id.departure) : arrivedId(channel.name, id.arrival))),
    onStatus: async ({ account, departure, status, reason }) => {
      const departed = status === 'failed' ? spool.message(messageId(departure)) : null;
      // In a group the others may have read it.
      const isForOne = chatOutSchema.safeParse(departed?.payload.data).data?.peer.kind === 'dm';
      const owner = ownerOn(config)(channel.name);
      if (departed === null || owner === null || !isForOne) return;
      const notice = undeliveredNotice({ departed, channel: channel.name, account, owner, reason: reason ?? '' });
      if (notice !== null) await spool.send([notice]);
    },
  });
  return {
    channel,
    routes: cloudRoutes(channel),
    health: () =>
      ids.map((id) => {
        const reason = channel.trouble(id);
        return { channel: channel.name, account: id, state: reason === null ? 'open' : 'paused', reason };
      }),
    sweep: (olderThan) => store.sweep(olderThan),
  };
}

/**
 * How much of what is said in a chat is for the agents: in groups they answer only where they may, and when they are spoken to, be it by one
 * of their names or of their mention patterns.
 */
export function attentionOf({ groups }: Pick<WhatsAppConfig, 'groups'>, route: Route): (chat: ChatIn) => Attention {
  const named = groups === 'all' ? null : new Set(groups.map((group) => group.toLowerCase()));
  return (chat) => {
    const { peer, addressed } = chat;
    if (peer.kind === 'dm') return 'answer';
    const { panel, isCalled, activation } = route(chat);
    const isListed = named === null || named.has(peer.id.toLowerCase()) || named.has(peer.name?.toLowerCase() ?? '');
    // Whoever sets up a panel for a group wants it to answer there.
    if (!isListed && !panel) return 'ignore';
    return activation === 'always' || addressed === true || isCalled ? 'answer' : 'listen';
  };
}
