import type { AuthenticationCreds, ConnectionState, SignalKeyStore, UserFacingSocketConfig, WASocket } from 'baileys';
import type { ChatIn, Peer } from '../../../domain/chat.ts';
import { type Clock, sleep } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { Receive } from '../../channel.ts';
import type { Baileys } from './baileys.ts';
import { baileysLogger } from './baileys-logger.ts';
import { GroupCache } from './group-cache.ts';
import { idsOf, membersOf, type PersonIds } from './identity.ts';
import { Journal } from './journal.ts';
import { statusOf } from './media.ts';
import { withFailuresCaught } from './rejections.ts';
import type { Line } from './sender.ts';
import type { SessionKeys } from './session-keys.ts';
import type { ReceivedMessage, WhatsAppSessions } from './sessions.ts';

export interface ConnectionOptions {
  readonly baileys: Baileys;
  readonly account: string;
  readonly sessions: WhatsAppSessions;
  /** Those of the account, whichever connection uses them: what the one before is still committing comes first. */
  readonly keys: SessionKeys;
  readonly receive: Receive;
  readonly agentsIn: (peer: Peer) => readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: WhatsApp's. */
  readonly webUrl: string | undefined;
  /** A QR code to be scanned, the first of a connection or a later one. */
  readonly qr: (qr: string, first: boolean) => void;
  readonly linked: (phone: string) => void;
  readonly opened: () => void;
  readonly received: (record: ReceivedMessage, chat: ChatIn) => void;
}

/** How a connection has ended. */
export type Ending =
  /** By WhatsApp, or for lack of a network; `code` is null when there is none. */
  | { readonly kind: 'closed'; readonly code: number | null; readonly reason: string }
  /** By us: the server has no certificate that WhatsApp has signed. */
  | { readonly kind: 'not-trusted'; readonly reason: string }
  /** By us: something could not be stored, and WhatsApp is to deliver it again. */
  | { readonly kind: 'not-stored'; readonly error: unknown };

/** How long WhatsApp may take to agree that a connection ends, milliseconds. */
const GOODBYE_MS = 3_000;

/** One connection of one linked device, or of one that is to be linked; when it has ended, the next one is another of these. */
export class Connection implements Line {
  readonly socket: WASocket;
  readonly ended: Promise<Ending>;
  readonly #options: ConnectionOptions;
  readonly #creds: AuthenticationCreds;
  readonly #journal: Journal;
  readonly #closing = new AbortController();
  readonly #end: (ending: Ending) => void;
  readonly #groups: GroupCache;
  #isOpen = false;
  #offered = false;

  constructor(options: ConnectionOptions) {
    const { baileys, account, keys, clock, logger } = options;
    this.#groups = new GroupCache(clock, logger);
    this.#options = options;
    ({ promise: this.ended, resolve: this.#end } = Promise.withResolvers<Ending>());
    this.#creds = keys.creds() ?? baileys.initAuthCreds();
    this.#journal = this.#newJournal();
    this.socket = withFailuresCaught(
      () => baileys.makeWASocket(this.#config()),
      ({ ws }) => ws,
      (error) => logger.debug({ account, error: error.message }, 'Baileys has failed at something'),
    );
    this.#journal.attach(this.socket);
    this.#groups.attach(this.socket);
    this.socket.ev.on('creds.update', () => this.#saveCreds());
    this.socket.ev.on('connection.update', (update) => this.#follow(update));
  }

  /** Whether the device has been linked. */
  get isLinked(): boolean {
    return this.#creds.account !== undefined && this.#creds.account !== null;
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#closing.signal.aborted;
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  async members(group: string): Promise<readonly PersonIds[]> {
    const metadata = await this.#groups.inTime(group);
    return metadata ? membersOf(this.#options.baileys, metadata) : [];
  }

  /** Ends the connection once what has arrived on it is stored and acknowledged. */
  async stop(): Promise<void> {
    await this.#journal.settled();
    this.#hangUp();
    const waiting = new AbortController();
    await Promise.race([this.ended, sleep(this.#options.clock, GOODBYE_MS, waiting.signal)]);
    waiting.abort();
  }

  #newJournal(): Journal {
    const { baileys, account, keys, sessions, receive, agentsIn, received, logger } = this.#options;
    return new Journal({
      baileys,
      account,
      keys,
      sessions,
      self: () => ({ id: this.#creds.me?.id ?? '', lid: this.#creds.me?.lid ?? null }),
      receive,
      agentsIn,
      group: (id) => this.#groups.inTime(id),
      received,
      failed: (error) => this.#fail(error),
      logger,
    });
  }

  #config(): UserFacingSocketConfig {
    const { baileys, account, sessions, logger, webUrl } = this.#options;
    return {
      auth: { creds: this.#creds, keys: this.#keysUntilClosed() },
      logger: baileysLogger(logger, account),
      ...(webUrl === undefined ? {} : { waWebSocketUrl: webUrl }),
      makeSignalRepository: this.#journal.makeSignalRepository,
      shouldSyncHistoryMessage: () => false,
      syncFullHistory: false,
      markOnlineOnConnect: false,
      cachedGroupMetadata: this.#groups.metadata,
      getMessage: async ({ id }) => {
        const sent = sessions.sent(account, id ?? '');
        return sent ? baileys.proto.Message.decode(sent.content) : undefined;
      },
    };
  }

  /**
   * The library goes on for a minute with what it could not finish on a connection that was lost, such as an upload of new keys. By then
   * the next connection has keys of the same numbers, and others know those.
   */
  #keysUntilClosed(): SignalKeyStore {
    const { get, set } = this.#options.keys.direct;
    return { get, set: async (data) => (this.#closing.signal.aborted ? undefined : set(data)) };
  }

  #follow({ connection, qr, isNewLogin, lastDisconnect }: Partial<ConnectionState>): void {
    const { qr: offer, linked, opened, baileys } = this.#options;
    if (qr !== undefined) {
      offer(qr, !this.#offered);
      this.#offered = true;
    }
    if (isNewLogin) linked(idsOf(baileys, this.#creds.me?.id).phone ?? '');
    if (connection === 'open') {
      this.#isOpen = true;
      opened();
    }
    if (connection === 'close') {
      this.#closing.abort();
      this.#end(endingOf(lastDisconnect?.error));
    }
  }

  /** Before the device is linked there is nothing to keep: each try has new keys. */
  #saveCreds(): void {
    if (!this.isLinked) return;
    this.#options.keys.saveCreds(this.#creds).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#end({ kind: 'not-stored', error });
    this.#hangUp();
  }

  /** From here on nothing is sent: not the receipt of what was not stored either. */
  #hangUp(): void {
    this.#closing.abort();
    void this.socket.end(undefined);
  }
}

/** How the library says, before anything but the handshake was sent, that a server cannot prove what it is. */
const NOT_TRUSTED = /^(?:invalid noise|noise|certification)\b/;

/** An error of the network has a code too, of which WhatsApp knows nothing: a proxy that says 401 has not unlinked the device. */
function endingOf(error: unknown): Ending {
  const fromNetwork = error instanceof Error && 'data' in error && error.data instanceof Error;
  const reason = error instanceof Error ? error.message : 'the connection was closed';
  if (NOT_TRUSTED.test(reason)) return { kind: 'not-trusted', reason };
  return { kind: 'closed', code: fromNetwork ? null : statusOf(error), reason };
}
