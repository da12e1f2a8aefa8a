import { setDefaultCACertificates } from 'node:tls';
import type { ChatArrival, ChatDeparture, Receive } from '../../src/channels/channel.ts';
import { BaileysChannel, type BaileysChannelOptions } from '../../src/channels/whatsapp/baileys/channel.ts';
import type { LinkEvent } from '../../src/channels/whatsapp/baileys/link.ts';
import { messageId } from '../../src/domain/addresses.ts';
import type { ChatOut } from '../../src/domain/chat.ts';
import { deriveId } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { SqliteWhatsAppSessions } from '../../src/store/whatsapp-session.ts';
import { draft, openSpoolAt, temporaryFolder } from './spool.ts';
import { WhatsAppServer } from './whatsapp-server/server.ts';

export const ACCOUNT = 'atlas';
/** The number that the account is linked to. */
export const NUMBER = '15550001';

const PATIENCE_MS = 10_000;

type Overrides = Partial<Pick<BaileysChannelOptions, 'linkBy' | 'ackTimeoutMs' | 'logger' | 'agentsIn'>>;

export interface WhatsAppFixtureOptions extends Overrides {
  /** The file of another fixture: as another process on the same machine. */
  readonly database?: string;
  readonly server?: WhatsAppServer;
  /** In hex. Default: that of the server. */
  readonly rootKey?: string;
  /** Asked before a message is stored: may throw, or answer in its place. */
  readonly receive?: (arrival: ChatArrival) => Promise<'refused' | undefined>;
  /** Scans the codes that are offered. Default: true. */
  readonly scan?: boolean;
}

/** The channel on a real socket to a local server, above a real spool; what it waits for with a clock comes when told. */
export class WhatsAppFixture implements AsyncDisposable {
  readonly server: WhatsAppServer;
  readonly clock = new ManualClock();
  readonly path: string;
  readonly sessions: SqliteWhatsAppSessions;
  channel: BaileysChannel;
  /** What was accepted, each message once, in order. */
  readonly arrivals: ChatArrival[] = [];
  /** What `receive` answered, in order. */
  readonly outcomes: ('accepted' | 'duplicate' | 'refused' | 'failed')[] = [];
  readonly events: LinkEvent[] = [];
  readonly #options: WhatsAppFixtureOptions;
  readonly #folder = temporaryFolder();
  readonly #opened: ReturnType<typeof openSpoolAt>;
  readonly #waiting = new Set<() => void>();
  #cutAfter: string | null = null;

  private constructor(server: WhatsAppServer, options: WhatsAppFixtureOptions) {
    this.server = server;
    this.#options = options;
    this.path = options.database ?? `${this.#folder.path}/coordination.db`;
    this.#opened = openSpoolAt(this.path, this.clock);
    this.sessions = new SqliteWhatsAppSessions(this.#opened.db, { clock: this.clock });
    this.channel = this.#newChannel();
    server.on(() => this.changed());
  }

  /** Not started. */
  static async make(options: WhatsAppFixtureOptions = {}): Promise<WhatsAppFixture> {
    const server = options.server ?? (await WhatsAppServer.start());
    // The servers of other tests have certificates of the same name, with other keys.
    setDefaultCACertificates([server.mediaCertificate]);
    return new WhatsAppFixture(server, options);
  }

  /** Linked and open. */
  static async open(options: WhatsAppFixtureOptions = {}): Promise<WhatsAppFixture> {
    const fixture = await WhatsAppFixture.make(options);
    await fixture.channel.start(fixture.receive);
    await fixture.isOpen();
    return fixture;
  }

  readonly receive: Receive = async (arrival) => {
    const outcome = await this.#take(arrival).catch((error: unknown) => {
      this.#note('failed');
      throw error;
    });
    if (outcome === 'accepted') this.arrivals.push(arrival);
    this.#note(outcome);
    if (arrival.chat.text === this.#cutAfter) await this.#cut();
    return outcome;
  };

  /** As after the end of the process, be it a violent one: `stop` false leaves the old channel as it is. */
  async restart(): Promise<void> {
    await this.channel.stop();
    this.channel = this.#newChannel();
    const before = this.count('open');
    await this.channel.start(this.receive);
    await this.isOpen(before + 1);
  }

  /** Says something in the account's name; `chat.peer` is a person by default. */
  send(id: string, to: string, chat: Partial<ChatOut> = {}): ReturnType<BaileysChannel['send']> {
    return this.channel.send(departure(id, to, chat));
  }

  /** The connection breaks as soon as this text is stored. */
  loseReceiptOf(text: string): void {
    this.#cutAfter = text;
  }

  count(kind: LinkEvent['kind']): number {
    return this.events.filter((event) => event.kind === kind).length;
  }

  isOpen(times = 1): Promise<true> {
    return this.until(() => this.count('open') >= times, `the account is open for the ${times}. time`);
  }

  arrived(text: string): Promise<ChatArrival> {
    return this.until(() => this.arrivals.find(({ chat }) => chat.text === text), `${text} has arrived`);
  }

  /** The kinds of receipts that the account gave for a message, in order. */
  receipts(id: string): string[] {
    return this.server
      .events()
      .flatMap((event) => (event.type === 'receipt' && event.number === NUMBER && event.id === id ? [event.kind] : []));
  }

  /** Resolves when WhatsApp has been told that a message has arrived. */
  receipted(id: string, times = 1): Promise<true> {
    return this.until(() => this.receipts(id).length >= times, `there are ${times} receipts for ${id}`);
  }

  /** Resolves with what `look` finds, as soon as it finds anything: it is asked again at everything that happens. */
  until<T>(look: () => T | undefined | null | false, what: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const check = (): void => {
      const found = look();
      if (found !== undefined && found !== null && found !== false) resolve(found);
    };
    const timer = setTimeout(() => reject(new Error(`never: ${what}`)), PATIENCE_MS);
    this.#waiting.add(check);
    check();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(check);
    });
  }

  changed(): void {
    for (const check of [...this.#waiting]) check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.channel.stop();
    await this.#opened.spool.close();
    await this.#opened.db.close();
    if (!this.#options.server) await this.server.stop();
    this.#folder.remove();
  }

  #newChannel(): BaileysChannel {
    const { linkBy = 'qr', ackTimeoutMs = 20_000, logger = silentLogger } = this.#options;
    const { rootKey = this.server.rootKey, agentsIn = () => [] } = this.#options;
    return new BaileysChannel({
      accounts: [{ id: ACCOUNT, phone: linkBy === 'code' ? `+${NUMBER}` : null }],
      sessions: this.sessions,
      link: (event) => this.#link(event),
      clock: this.clock,
      logger,
      linkBy,
      webUrl: this.server.url,
      rootKey,
      agentsIn,
      pace: { accountGapMs: 0, chatGapMs: 0 },
      ackTimeoutMs,
    });
  }

  #link(event: LinkEvent): void {
    this.events.push(event);
    const scan = this.#options.scan ?? true;
    if (event.kind === 'qr' && scan) void this.server.scan(event.qr, NUMBER, 'Atlas');
    if (event.kind === 'code' && scan) void this.server.enterPairingCode(event.code, NUMBER, 'Atlas');
    this.changed();
  }

  async #take(arrival: ChatArrival): Promise<'accepted' | 'duplicate' | 'refused'> {
    const instead = await this.#options.receive?.(arrival);
    if (instead) return instead;
    const { id, chat, also } = arrival;
    const message = draft(ACCOUNT, { id: messageId(deriveId('msg', chat.channel, id)) });
    const [receipt] = await this.#opened.spool.send([message], also);
    return receipt?.duplicate ? 'duplicate' : 'accepted';
  }

  async #cut(): Promise<void> {
    this.#cutAfter = null;
    const before = this.count('closed');
    this.server.faults.cut(NUMBER);
    await this.until(() => this.count('closed') > before, 'the connection is closed');
  }

  #note(outcome: (typeof this.outcomes)[number]): void {
    this.outcomes.push(outcome);
    this.changed();
  }
}

/** Something that the account's agent says. */
function departure(id: string, to: string, chat: Partial<ChatOut> = {}): ChatDeparture {
  const kind = to.endsWith('@g.us') ? 'group' : 'dm';
  const said = { peer: { kind, id: to }, speaker: { id: ACCOUNT, name: 'Atlas' }, text: '', ...chat } as const;
  return { id, account: ACCOUNT, chat: said };
}
