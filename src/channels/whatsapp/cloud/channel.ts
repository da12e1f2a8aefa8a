import type { Media, Peer } from '../../../domain/chat.ts';
import { ParleyError } from '../../../domain/errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { Channel, ChatDeparture, Receive, SendOutcome } from '../../channel.ts';
import { type CloudAccount, GraphClient } from './graph-client.ts';
import { addressOf } from './identity.ts';
import { type DepartureStatus, Intake, type SaidBefore, type WebhookReceipt } from './intake.ts';
import { downloadMedia, uploadOf } from './media.ts';
import { MAX_TEXT, type Template } from './outgoing.ts';
import { Sender } from './sender.ts';
import { isSameSecret, isSigned } from './signature.ts';
import type { CloudStore } from './store.ts';

export interface CloudOptions {
  readonly accounts: readonly CloudAccount[];
  /** Of the app: what webhooks are signed with. */
  readonly appSecret: string;
  /** What Meta shows when the address for webhooks is set up. */
  readonly verifyToken: string;
  /** Default v25.0. */
  readonly version?: string;
  /** Default https://graph.facebook.com. */
  readonly graphUrl?: string;
  readonly store: CloudStore;
  /** Asks a person who has not written for 24 hours to do so; without it, what is for them is refused. */
  readonly template?: Template;
  /** What messages that are answered say. */
  readonly said?: SaidBefore;
  readonly onStatus?: (status: DepartureStatus) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Connection {
  readonly account: CloudAccount;
  readonly client: GraphClient;
  readonly sender: Sender;
}

const GRAPH_URL = 'https://graph.facebook.com';
const VERSION = 'v25.0';

/** WhatsApp through Meta's Cloud API: messages come in by webhooks, and go out through the Graph API. */
export class CloudChannel implements Channel {
  readonly name = 'whatsapp';
  readonly capabilities = { groups: false, longestText: MAX_TEXT };
  readonly #options: CloudOptions;
  readonly #connections: readonly Connection[];
  readonly #intake: Intake;
  readonly #sending = new Map<string, Promise<SendOutcome>>();
  readonly #underWay = new Set<Promise<unknown>>();
  #receive: Receive | null = null;

  /** Throws CONFIG_INVALID. */
  constructor(options: CloudOptions) {
    const { accounts, graphUrl = GRAPH_URL, version = VERSION } = options;
    requireSecret('app secret', options.appSecret);
    requireSecret('verify token', options.verifyToken);
    this.#options = options;
    this.#connections = accounts.map((account) => connect(account, options, { graphUrl, version }));
    this.#intake = new Intake({
      ...options,
      channel: this.name,
      accountOf: (phoneNumberId) => accounts.find((account) => account.phoneNumberId === phoneNumberId)?.id ?? null,
    });
  }

  async start(receive: Receive): Promise<void> {
    this.#receive = receive;
  }

  async stop(): Promise<void> {
    this.#receive = null;
    await Promise.allSettled(this.#underWay);
  }

  async send(departure: ChatDeparture): Promise<SendOutcome> {
    this.#running();
    const { id, account } = departure;
    const connection = this.#connectionOf(account);
    if (!connection) return { kind: 'refused', reason: `there is no WhatsApp account '${account}'` };
    const sending = this.#sending.get(id) ?? this.#whileRunning(connection.sender.send(departure));
    this.#sending.set(id, sending);
    try {
      return await sending;
    } finally {
      this.#sending.delete(id);
    }
  }

  numberOf(account: string): string | null {
    return this.#intake.numberOf(account);
  }

  /** Why nothing can be sent until somebody has mended the account, in words; null: nothing is known to be in the way. */
  trouble(account: string): string | null {
    return this.#connectionOf(account)?.sender.trouble ?? null;
  }

  fileRefusal({ mime, bytes }: { readonly mime: string; readonly bytes: number }): string | null {
    const upload = uploadOf(mime, bytes);
    return upload.ok ? null : upload.error;
  }

  /** Shown for 25 seconds, or until the answer comes. It also marks what the person wrote as read. */
  typing(account: string, peer: Peer, on: boolean): void {
    const { store } = this.#options;
    const last = store.lastInbound(account, addressOf(store, account, peer.id).chat);
    const connection = this.#connectionOf(account);
    if (!on || !last || !connection || !this.#receive) return;
    void this.#whileRunning(this.#showTyping(connection, last.message));
  }

  async fetch(account: string, media: Media, maxBytes: number): Promise<Uint8Array> {
    const connection = this.#connectionOf(account);
    if (!connection) throw new ParleyError('MEDIA_UNAVAILABLE', `There is no WhatsApp account '${account}'.`);
    return await this.#whileRunning(downloadMedia(connection.client, media, maxBytes));
  }

  /** Whether a webhook is signed, over these very bytes, with the secret of the app. */
  isFromMeta(body: Uint8Array, signature: unknown): boolean {
    return isSigned(body, signature, this.#options.appSecret);
  }

  isVerifyToken(token: string): boolean {
    return isSameSecret(token, this.#options.verifyToken);
  }

  /** Takes what a webhook brings. Rejects with CHANNEL_SEND_FAILED while the channel is not running. */
  async take(webhook: unknown): Promise<WebhookReceipt> {
    const receive = this.#running();
    return await this.#whileRunning(this.#intake.take(webhook, receive));
  }

  async #showTyping({ account, client }: Connection, message_id: string): Promise<void> {
    const shown = await client.postMessage({ status: 'read', message_id, typing_indicator: { type: 'text' } });
    if (shown.kind === 'ok') return;
    this.#options.logger.debug({ account: account.id, shown }, 'WhatsApp does not show that the agent is writing');
  }

  #connectionOf(id: string): Connection | undefined {
    return this.#connections.find(({ account }) => account.id === id);
  }

  #running(): Receive {
    if (this.#receive) return this.#receive;
    throw new ParleyError('CHANNEL_SEND_FAILED', 'The WhatsApp channel is not running.');
  }

  /** Whoever waits for the work hears of its end before a stop that waits for it, too. */
  #whileRunning<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    return tracked;
  }
}

function connect(
  account: CloudAccount,
  options: CloudOptions,
  address: { graphUrl: string; version: string },
): Connection {
  requireSecret(`access token of '${account.id}'`, account.accessToken);
  const client = new GraphClient(account, address);
  const { template = null, store, clock, logger } = options;
  return { account, client, sender: new Sender({ account: account.id, client, store, template, clock, logger }) };
}

/** An empty secret is one that everybody knows. */
function requireSecret(what: string, secret: string): void {
  if (secret !== '') return;
  throw new ParleyError('CONFIG_INVALID', `The ${what} of the WhatsApp Cloud API is not set.`);
}
