import type { Media, Peer } from '../../../domain/chat.ts';
import { ParleyError } from '../../../domain/errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { Channel, ChatDeparture, Receive, SendOutcome } from '../../channel.ts';
import { Account } from './account.ts';
import { loadBaileys, trustServer } from './baileys.ts';
import type { AccountState, LinkEvent } from './link.ts';
import { HUMAN_PACE, type Pace } from './pacing.ts';
import type { WhatsAppSessions } from './sessions.ts';

/** How long WhatsApp may take to answer a message, milliseconds. */
const ACK_TIMEOUT_MS = 20_000;

/** What WhatsApp takes as one message, in UTF-16 code units; more than anybody would read. */
const LONGEST_TEXT = 65_000;

export interface BaileysChannelOptions {
  /** One linked device each. `phone` is `+<digits>`; null: whichever phone scans the code. */
  readonly accounts: readonly { readonly id: string; readonly phone: string | null }[];
  readonly sessions: WhatsAppSessions;
  /** Is told of everything that happens to a connection. */
  readonly link: (event: LinkEvent) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What those are called who answer in a chat from an account. Default: nobody knows. */
  readonly agentsIn?: (account: string, peer: Peer) => readonly string[];
  /** How a phone links an account: by scanning a QR code (default), or, when its number is given, by a code that is typed in. */
  readonly linkBy?: 'qr' | 'code';
  /** Default: WhatsApp's own. For tests. */
  readonly webUrl?: string;
  /** The key, in hex, that signs the certificates of the server at `webUrl`. For tests: it counts for the whole process. */
  readonly rootKey?: string;
  readonly pace?: Pace;
  readonly ackTimeoutMs?: number;
}

/** WhatsApp, as a device that is linked to a phone. */
export class BaileysChannel implements Channel {
  readonly name = 'whatsapp';
  readonly capabilities = { groups: false, longestText: LONGEST_TEXT };
  readonly #options: BaileysChannelOptions;
  #accounts: ReadonlyMap<string, Account> = new Map();

  constructor(options: BaileysChannelOptions) {
    this.#options = options;
  }

  /** Resolves when connecting has begun. Throws CONFIG_INVALID when the library is not installed. */
  async start(receive: Receive): Promise<void> {
    const baileys = await loadBaileys();
    const { rootKey, accounts } = this.#options;
    if (rootKey !== undefined) trustServer(baileys, rootKey);
    const { linkBy = 'qr', pace = HUMAN_PACE, ackTimeoutMs = ACK_TIMEOUT_MS, webUrl } = this.#options;
    const { sessions, link, clock, logger } = this.#options;
    const shared = { baileys, linkBy, pace, ackTimeoutMs, webUrl, sessions, link, clock, logger, receive };
    const { agentsIn = () => [] } = this.#options;
    const accountOf = (id: string, phone: string | null): Account =>
      new Account({ ...shared, id, phone, agentsIn: (peer) => agentsIn(id, peer) });
    this.#accounts = new Map(accounts.map(({ id, phone }) => [id, accountOf(id, phone)]));
    for (const account of this.#accounts.values()) account.start();
  }

  async send(departure: ChatDeparture): Promise<SendOutcome> {
    return await this.#account(departure.account).send(departure);
  }

  /** What it does not show, it takes as a document. */
  fileRefusal(): null {
    return null;
  }

  typing(account: string, peer: Peer, on: boolean): void {
    this.#accounts.get(account)?.typing(peer, on);
  }

  /** `+<digits>`, once it has been linked. */
  numberOf(account: string): string | null {
    return this.#accounts.get(account)?.number ?? null;
  }

  async fetch(account: string, media: Media, maxBytes: number): Promise<Uint8Array> {
    return await this.#account(account).fetch(media, maxBytes);
  }

  /** How an account fares. */
  state(account: string): AccountState {
    return this.#accounts.get(account)?.state ?? { kind: 'unlinked' };
  }

  async stop(): Promise<void> {
    const accounts = [...this.#accounts.values()];
    this.#accounts = new Map();
    await Promise.all(accounts.map((account) => account.stop()));
  }

  #account(id: string): Account {
    const account = this.#accounts.get(id);
    if (account) return account;
    throw new ParleyError('CHANNEL_SEND_FAILED', `The WhatsApp account ${JSON.stringify(id)} is not running.`);
  }
}
