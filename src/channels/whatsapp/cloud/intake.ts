import type { Said } from '../../../domain/chat.ts';
import type { Clock } from '../../../lib/clock.ts';
import { errorText } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { Receive } from '../../channel.ts';
import { describeFailure, meaningOf } from './error-codes.ts';
import { identify, type Person } from './identity.ts';
import { type Addressee, type Incoming, readingOf } from './incoming.ts';
import { isInvitation } from './piece-id.ts';
import type { CloudStore, LastInbound, SentPiece } from './store.ts';
import {
  readErrors,
  readWebhook,
  type WebhookChange,
  type WebhookError,
  type WebhookMessage,
  type WebhookStatus,
} from './webhook.ts';

/** What WhatsApp tells of something that was sent, after it took it. */
export interface DepartureStatus {
  readonly account: string;
  /** The id with which it was sent. */
  readonly departure: string;
  /** WhatsApp's id: a departure may have several. */
  readonly message: string;
  readonly status: 'sent' | 'delivered' | 'read' | 'failed';
  /** Why it failed, in words. */
  readonly reason: string | null;
}

/** How many messages of a webhook had which fate. */
export interface WebhookReceipt {
  accepted: number;
  duplicate: number;
  refused: number;
  /** Not stored, statuses included: the webhook has to come again. */
  failed: number;
}

/** What was said in a chat: by us, with this id of a departure, or by somebody else, with this id of an arrival; null: not known. */
export type SaidBefore = (id: { readonly departure: string } | { readonly arrival: string }) => Said | null;

export interface IntakeOptions {
  readonly channel: string;
  /** The account with this id of a number; null when it is none of ours. */
  accountOf(phoneNumberId: string): string | null;
  readonly store: CloudStore;
  /** Default: nothing is known of what was said. */
  readonly said?: SaidBefore;
  /** When it rejects, the webhook comes again. */
  readonly onStatus?: (status: DepartureStatus) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One webhook on its way in. */
interface Batch {
  readonly receive: Receive;
  readonly receipt: WebhookReceipt;
  /** Chats of which a message could not be stored. */
  readonly heldBack: Set<string>;
}

const STATUSES: ReadonlyMap<string, DepartureStatus['status']> = new Map([
  ['sent', 'sent'],
  ['delivered', 'delivered'],
  ['read', 'read'],
  ['played', 'read'],
  ['failed', 'failed'],
]);

/** Takes what the webhooks bring. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #numbers = new Map<string, string>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** `+<digits>`, once a webhook has said it. */
  numberOf(account: string): string | null {
    return this.#numbers.get(account) ?? null;
  }

  /** Whatever is not counted as `failed` is durable. */
  async take(body: unknown, receive: Receive): Promise<WebhookReceipt> {
    const { logger, accountOf } = this.#options;
    const { changes, malformed } = readWebhook(body);
    for (const problem of malformed) logger.warn({ problem }, 'a part of a webhook is malformed and was left out');
    const receipt: WebhookReceipt = { accepted: 0, duplicate: 0, refused: 0, failed: 0 };
    const batch: Batch = { receive, receipt, heldBack: new Set() };
    for (const change of changes) {
      const account = accountOf(change.phoneNumberId);
      if (account === null) {
        logger.warn({ phoneNumberId: change.phoneNumberId }, 'a webhook for a number that is none of the accounts');
        continue;
      }
      if (change.ownNumber !== '') this.#numbers.set(account, `+${change.ownNumber}`);
      this.#logErrors(account, change.errors);
      await this.#takeMessages(account, change, batch);
      for (const status of change.statuses) await this.#takeStatus(account, status, receipt);
    }
    return receipt;
  }

  /** One after the other. Where one of a chat could not be stored, those after it come again with it: their order stays. */
  async #takeMessages(account: string, change: WebhookChange, { receive, receipt, heldBack }: Batch): Promise<void> {
    const addressee = this.#addressee(account);
    for (const message of change.messages) {
      this.#logErrors(account, readErrors(message.errors));
      const reading = readingOf(message, change, addressee);
      if (reading.kind === 'unanswerable') {
        const fields = { account, wamid: message.id, type: message.type };
        this.#options.logger.warn(fields, 'a message that names no sender was left out');
        continue;
      }
      if (reading.person?.hasNewNumber) this.#logNewNumber(account, reading.person);
      if (reading.kind === 'said') {
        const chat = `${account} ${reading.chat.peer.id}`;
        const fate = heldBack.has(chat) ? 'failed' : await this.#accept(account, reading, receive);
        if (fate === 'failed') heldBack.add(chat);
        receipt[fate] += 1;
      } else {
        this.#logEvent(account, message);
        if (!(await this.#passOver(account, message, reading.person))) receipt.failed += 1;
      }
    }
  }

  #addressee(account: string): Addressee {
    const { channel, store, said = () => null } = this.#options;
    return {
      channel,
      account,
      identify: (ids) => identify(store, account, ids),
      departureOf: (message) => store.pieceOf(message)?.departure ?? null,
      said: (message, platformId) => {
        const piece = store.pieceOf(message);
        if (piece === null) return said({ arrival: platformId });
        return isInvitation(piece.id) ? null : said({ departure: piece.departure });
      },
    };
  }

  async #accept(account: string, incoming: Incoming, receive: Receive): Promise<keyof WebhookReceipt> {
    const { store } = this.#options;
    const { id, chat, person, opensWindow } = incoming;
    const noted = opensWindow ? [store.inboundNoted(account, chat.peer.id, this.#lastOf(incoming))] : [];
    try {
      const also = [store.named(account, person.id, person.learned), ...noted];
      const outcome = await receive({ id, chat, also });
      if (outcome === 'accepted') return outcome;
      await this.#link(account, person);
      // Somebody who is known can be written to again, also when the gate refuses this message. Of strangers only what they are called is kept.
      if (outcome === 'refused' && store.lastInbound(account, chat.peer.id) !== null) await store.commit(noted);
      return outcome;
    } catch (error) {
      this.#logFailure(account, id, error);
      return 'failed';
    }
  }

  /** Nothing in it is for an agent. Whether it need not come again. */
  async #passOver(account: string, { id }: WebhookMessage, person: Person | null): Promise<boolean> {
    try {
      if (person) await this.#link(account, person);
      return true;
    } catch (error) {
      this.#logFailure(account, id, error);
      return false;
    }
  }

  /** That two ids are one person's is kept whatever they say: else whoever is blocked by one of them could come by the other. */
  async #link(account: string, { id, names, learned }: Person): Promise<void> {
    const { store } = this.#options;
    if (names.length > 1 && learned.length > 0) await store.commit([store.named(account, id, learned)]);
  }

  #logFailure(account: string, wamid: string, error: unknown): void {
    const fields = { account, wamid, error: errorText(error) };
    this.#options.logger.error(fields, 'a message could not be stored; it comes again');
  }

  /** The clock of who wrote may be ahead: the window is not taken for open longer than it is. */
  #lastOf({ at, message }: Incoming): LastInbound {
    const now = this.#options.clock.now();
    return { at: Math.min(at ?? now, now), message };
  }

  async #takeStatus(account: string, told: WebhookStatus, receipt: WebhookReceipt): Promise<void> {
    const status = STATUSES.get(told.status);
    const piece = this.#pieceOf(told);
    if (status === undefined || piece === null) return;
    try {
      const reason = status === 'failed' ? reasonOf(told) : null;
      // Before the piece is forgotten, by which a status that comes again is known.
      await this.#options.onStatus?.({ account, departure: piece.departure, message: told.id, status, reason });
      if (reason !== null) await this.#undelivered(account, piece, told, reason);
      else if (piece.message === null) await this.#options.store.answered(piece.id, told.id);
    } catch (error) {
      const fields = { account, wamid: told.id, error: errorText(error) };
      this.#options.logger.error(fields, 'a status could not be stored; it comes again');
      receipt.failed += 1;
    }
  }

  /** Sent once more by hand, it is sent again. */
  async #undelivered(
    account: string,
    { id, departure }: SentPiece,
    told: WebhookStatus,
    reason: string,
  ): Promise<void> {
    const { store, logger } = this.#options;
    logger.warn({ account, departure, reason }, 'WhatsApp took a message and could not deliver it');
    // In a group it may have reached the others; and nobody is asked to answer over and over.
    if (told.recipient_type !== 'group' && !isInvitation(id)) await store.withdrawn(id);
  }

  #pieceOf({ id, biz_opaque_callback_data: named }: WebhookStatus): SentPiece | null {
    const { store } = this.#options;
    const piece = named === undefined ? null : store.piece(named);
    // A piece that was sent again has the id of the second message: what is told of the first changes nothing.
    return piece?.message === null || piece?.message === id ? piece : store.pieceOf(id);
  }

  #logEvent(account: string, { id, type, from, from_user_id }: WebhookMessage): void {
    const { logger } = this.#options;
    if (type === 'system') {
      const person = from_user_id ?? from;
      logger.warn({ account, person }, 'a person has another number or id now; the lists may have to say so');
    } else {
      logger.debug({ account, wamid: id, type }, 'WhatsApp tells something that nobody said');
    }
  }

  #logNewNumber(account: string, { id: person }: Person): void {
    const message = 'a person writes from a number that was not theirs before; nobody is taken for whoever had it';
    this.#options.logger.warn({ account, person }, message);
  }

  #logErrors(account: string, errors: readonly WebhookError[]): void {
    const { logger } = this.#options;
    for (const error of errors) logger.warn({ account, error: describeError(error) }, 'WhatsApp tells of an error');
  }
}

/** Why it failed. */
const reasonOf = ({ errors }: WebhookStatus): string =>
  readErrors(errors).map(describeError).join('; ') || 'WhatsApp does not say why';

/** Told by webhook, an error has no HTTP status: what is not in the table is about the message. */
function describeError({ code, title = '', error_data }: WebhookError): string {
  return describeFailure(meaningOf(code, 400).words, code, error_data?.details ?? title);
}
