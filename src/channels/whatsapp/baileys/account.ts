import type { Media, Peer } from '../../../domain/chat.ts';
import { ParleyError } from '../../../domain/errors.ts';
import { type Backoff, backoffDelay } from '../../../lib/backoff.ts';
import { type Clock, sleep } from '../../../lib/clock.ts';
import { errorText } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { ChatDeparture, Receive, SendOutcome } from '../../channel.ts';
import type { Baileys } from './baileys.ts';
import { Connection } from './connection.ts';
import { idsOf } from './identity.ts';
import { Lease, LOOK_AGAIN_MS } from './lease.ts';
import type { AccountState, LinkEvent, LinkNews } from './link.ts';
import { fetchMedia } from './media.ts';
import type { Pace } from './pacing.ts';
import { Presence } from './presence.ts';
import { Sender } from './sender.ts';
import { SessionKeys } from './session-keys.ts';
import type { WhatsAppSessions } from './sessions.ts';
import { judge, type Verdict } from './verdict.ts';

export interface AccountOptions {
  readonly baileys: Baileys;
  readonly id: string;
  /** `+<digits>`; null: whichever phone scans the code. */
  readonly phone: string | null;
  readonly linkBy: 'qr' | 'code';
  readonly sessions: WhatsAppSessions;
  readonly receive: Receive;
  /** What those are called who answer in a chat from the account. */
  readonly agentsIn: (peer: Peer) => readonly string[];
  readonly link: (event: LinkEvent) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly webUrl: string | undefined;
  readonly pace: Pace;
  readonly ackTimeoutMs: number;
}

const RECONNECT: Backoff = { baseMs: 1_000, maxMs: 5 * 60_000 };
/** After a connection that lasted this long, open or with a code to scan, the next failure is the first. */
const STEADY_MS = 60_000;
/** How long a QR code can be scanned, milliseconds, as the library rotates them: the first of a connection, and the others. */
const QR_MS = { first: 60_000, next: 20_000 };
/** From how many failures in a row on whoever reads the log is told. */
const MANY_FAILURES = 3;

/** One phone number: its linked device is kept connected from `start` to `stop`. */
export class Account {
  readonly #options: AccountOptions;
  readonly #stopping = new AbortController();
  readonly #keys: SessionKeys;
  readonly #lease: Lease;
  readonly #sender: Sender;
  readonly #presence: Presence;
  #connection: Connection | null = null;
  #state: AccountState = { kind: 'connecting' };
  #failures = 0;
  #life: Promise<void> = Promise.resolve();

  constructor(options: AccountOptions) {
    const { baileys, id: account, sessions, clock, logger, pace, ackTimeoutMs } = options;
    const line = (): Connection | null => (this.#connection?.isOpen ? this.#connection : null);
    this.#options = options;
    this.#keys = new SessionKeys(baileys, sessions, account);
    this.#lease = new Lease({ sessions, account, clock, lost: () => void this.#connection?.stop() });
    this.#sender = new Sender({ baileys, account, sessions, clock, logger, pace, ackTimeoutMs, line });
    this.#presence = new Presence(account, line, logger);
  }

  get state(): AccountState {
    return this.#state;
  }

  /** Of the phone that it is linked to. */
  get number(): string | null {
    return idsOf(this.#options.baileys, this.#keys.creds()?.me?.id).phone;
  }

  start(): void {
    this.#life = this.#live();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#sender.stop();
    await this.#connection?.stop();
    await this.#keys.settled();
    await this.#life;
  }

  send(departure: ChatDeparture): Promise<SendOutcome> {
    return this.#sender.send(departure);
  }

  typing(peer: Peer, on: boolean): void {
    this.#presence.typing(peer, on);
  }

  async fetch(media: Media, maxBytes: number): Promise<Uint8Array> {
    if (!this.#connection?.isOpen) throw new ParleyError('CHANNEL_SEND_FAILED', 'WhatsApp is not connected.');
    return await fetchMedia(this.#options.baileys, this.#connection.socket, media, maxBytes);
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopping;
    let goesOn = true;
    while (goesOn && !signal.aborted) goesOn = await this.#liveOn();
    await this.#lease.release().catch((error: unknown) => this.#warn('the account could not be given up', error));
    if (signal.aborted) this.#state = { kind: 'stopped', reason: 'Parley was stopped' };
  }

  /** One connection, or one wait for the right to it; false: there is nothing more to do. */
  async #liveOn(): Promise<boolean> {
    try {
      if (await this.#owns()) return !this.#stopping.signal.aborted && (await this.#connectOnce());
      await this.#pause(LOOK_AGAIN_MS);
    } catch (error) {
      this.#warn('the account could not be connected', error);
      this.#state = { kind: 'waiting', reason: errorText(error) };
      await this.#pause(LOOK_AGAIN_MS);
    }
    return true;
  }

  async #owns(): Promise<boolean> {
    if (await this.#lease.take()) return true;
    const reason = 'another process runs this account';
    const isNews = this.#state.kind !== 'standby';
    this.#state = { kind: 'standby', reason };
    if (isNews) this.#tell({ kind: 'closed', reason, code: null, action: 'retry', delayMs: LOOK_AGAIN_MS });
    return false;
  }

  /** From one connection to what is to be done after it; false: nothing any more. */
  async #connectOnce(): Promise<boolean> {
    const { clock } = this.#options;
    const began = clock.now();
    const connection = this.#connect();
    const ending = await connection.ended;
    this.#connection = null;
    await this.#keys.saved();
    if (this.#stopping.signal.aborted) return false;
    this.#failures = clock.now() - began >= STEADY_MS ? 1 : this.#failures + 1;
    return await this.#follow(judge(ending, connection.isLinked), connection.isLinked);
  }

  #connect(): Connection {
    const { baileys, id: account, sessions, receive, agentsIn, clock, logger, webUrl } = this.#options;
    const connection = new Connection({
      baileys,
      account,
      sessions,
      keys: this.#keys,
      receive,
      agentsIn,
      clock,
      logger,
      webUrl,
      qr: (qr, first) => this.#offer(connection, qr, first),
      linked: (phone) => this.#linked(phone),
      opened: () => this.#opened(),
      received: (record, { peer }) => this.#presence.received(peer, record),
    });
    this.#connection = connection;
    this.#state = { kind: connection.isLinked ? 'connecting' : 'linking' };
    return connection;
  }

  async #follow({ action, reason, code }: Verdict, isLinked: boolean): Promise<boolean> {
    const { sessions, id: account, logger } = this.#options;
    // What comes next connects it again only if a phone has linked it; else somebody has to.
    this.#state = { kind: isLinked ? 'waiting' : 'unlinked', reason };
    switch (action) {
      case 'at-once':
        if (this.#failures > MANY_FAILURES) await this.#pause(backoffDelay(this.#failures, RECONNECT));
        return true;
      case 'stop':
        logger.error({ account, code, reason }, 'the WhatsApp account was stopped');
        this.#state = { kind: 'stopped', reason };
        this.#tell({ kind: 'closed', reason, code, action: 'stopped' });
        return false;
      case 'link-again':
        await sessions.commit([sessions.forget(account)]);
        logger.error({ account, code, reason }, 'the WhatsApp account has to be linked again');
        this.#state = { kind: 'unlinked', reason };
        this.#tell({ kind: 'closed', reason, code, action: 'link-again' });
        await this.#pause(RECONNECT.baseMs);
        return true;
      case 'retry': {
        const delayMs = backoffDelay(this.#failures, RECONNECT);
        const level = this.#failures >= MANY_FAILURES ? 'warn' : 'info';
        logger[level](
          { account, code, reason, delayMs, failures: this.#failures },
          'WhatsApp is connected again later',
        );
        this.#tell({ kind: 'closed', reason, code, action: 'retry', delayMs });
        await this.#pause(delayMs);
        return true;
      }
    }
  }

  #offer(connection: Connection, qr: string, first: boolean): void {
    const { linkBy, phone } = this.#options;
    if (linkBy === 'qr' || phone === null) {
      this.#tell({ kind: 'qr', qr, expiresInMs: first ? QR_MS.first : QR_MS.next });
    } else if (first) {
      connection.socket.requestPairingCode(phone.slice(1)).then(
        (code) => this.#tell({ kind: 'code', code }),
        (error: unknown) => this.#warn('WhatsApp gave no pairing code', error),
      );
    }
  }

  #linked(phone: string): void {
    const { id: account, phone: expected, logger } = this.#options;
    if (expected !== null && expected !== phone) {
      logger.warn({ account, phone, expected }, 'another phone was linked than the one that is configured');
    }
    this.#tell({ kind: 'linked', phone });
  }

  #opened(): void {
    this.#state = { kind: 'open' };
    this.#tell({ kind: 'open' });
  }

  async #pause(ms: number): Promise<void> {
    await sleep(this.#options.clock, ms, this.#stopping.signal);
  }

  #tell(news: LinkNews): void {
    this.#options.link({ account: this.#options.id, ...news });
  }

  #warn(what: string, error: unknown): void {
    this.#options.logger.warn({ account: this.#options.id, error: errorText(error) }, what);
  }
}
