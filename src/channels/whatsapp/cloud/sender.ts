import { z } from 'zod';
import type { Peer } from '../../../domain/chat.ts';
import { ParleyError } from '../../../domain/errors.ts';
import type { Backoff } from '../../../lib/backoff.ts';
import type { Clock } from '../../../lib/clock.ts';
import { errorText } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import type { ChatDeparture, SendOutcome } from '../../channel.ts';
import { describeFailure, MEND, meaningOf } from './error-codes.ts';
import type { GraphClient, GraphFailure } from './graph-client.ts';
import { type Address, addressOf } from './identity.ts';
import { uploadFile } from './media.ts';
import { type OutgoingMessage, outgoingMessages, recipientOf, type Template, templateMessage } from './outgoing.ts';
import { Pauses } from './pauses.ts';
import { invitationId, pieceId } from './piece-id.ts';
import type { CloudStore } from './store.ts';

/** How long after a person's last message they can be written to, in milliseconds; after that, only with a template. */
export const WINDOW_MS = 24 * 3_600_000;
/** How long WhatsApp is given to tell by a webhook that a message arrived whose answer was lost, in milliseconds. */
export const UNKNOWN_MS = 30_000;
/** How long a message waits for the person who was invited to answer, in milliseconds. */
export const INVITED_MS = 7 * 24 * 3_600_000;

interface SenderOptions {
  readonly account: string;
  readonly client: GraphClient;
  readonly store: CloudStore;
  readonly template: Template | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One message of WhatsApp, with all that asking for it needs. */
interface Piece {
  readonly id: string;
  readonly departure: string;
  readonly kind: Peer['kind'];
  readonly to: Address;
}

/** What became of one; `window-closed` when WhatsApp says that the person has not written for too long. */
type PieceOutcome = SendOutcome | { readonly kind: 'window-closed' };

const SENT: SendOutcome = { kind: 'sent' };
const acceptedSchema = z.object({ messages: z.tuple([z.object({ id: z.string().min(1) })], z.unknown()) });
const uploadedSchema = z.object({ id: z.string().min(1) });

/**
 * Says things for one account. The Graph API knows no key by which it would drop what it has already: what was asked and what was
 * answered is kept, so that nothing is said again which is known to have arrived.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #pauses: Pauses;
  #trouble: string | null = null;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options.clock);
  }

  /** Why nothing can be sent until somebody has mended the account, in words; null once something was sent. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Rejects with CHANNEL_SEND_FAILED when it is not known whether WhatsApp has it, or why not. */
  async send({ id, chat }: ChatDeparture): Promise<SendOutcome> {
    const messages = await outgoingMessages(chat);
    if (!messages.ok) return { kind: 'refused', reason: messages.error };
    const { store, account } = this.#options;
    const { kind } = chat.peer;
    for (const [index, message] of messages.value.entries()) {
      const to = addressOf(store, account, chat.peer.id);
      const piece = { id: pieceId(id, index), departure: id, kind, to };
      const outcome = await this.#sendPiece(piece, message);
      if (outcome.kind !== 'sent') return outcome;
    }
    return SENT;
  }

  async #sendPiece(piece: Piece, message: OutgoingMessage): Promise<SendOutcome> {
    const known = this.#known(piece);
    if (known !== null) return known;
    if (this.#isWindowClosed(piece)) return await this.#invite(piece);
    const outcome = await this.#deliver(piece, message);
    return outcome.kind === 'window-closed' ? await this.#invite(piece) : outcome;
  }

  /** What is known of a piece without asking; null: nothing. */
  #known({ id }: Piece): SendOutcome | null {
    const piece = this.#options.store.piece(id);
    if (piece === null) return null;
    if (piece.message !== null) return SENT;
    const delayMs = Math.min(UNKNOWN_MS, piece.askedAt + UNKNOWN_MS - this.#now());
    if (delayMs <= 0) return null;
    return { kind: 'later', reason: 'WhatsApp may have it already, and is given time to say so', delayMs };
  }

  /**
   * Of somebody who has never written nothing is known: WhatsApp takes the message, and tells later that it cannot deliver it. With a
   * template nothing has to be lost that way; without one, trying is all there is.
   */
  #isWindowClosed({ to }: Piece): boolean {
    const { store, account, template } = this.#options;
    const last = store.lastInbound(account, to.chat);
    return last === null ? template !== null : this.#now() - last.at >= WINDOW_MS;
  }

  /** With a template the person is asked to answer, once; the message waits until they do. */
  async #invite(piece: Piece): Promise<SendOutcome> {
    const { template, store } = this.#options;
    if (template === null) {
      const reason = 'the person has not written for 24 hours, and there is no template to ask them to';
      return { kind: 'refused', reason };
    }
    const invitation = { ...piece, id: invitationId(piece.departure) };
    const known = this.#known(invitation);
    const outcome = known ?? (await this.#deliver(invitation, templateMessage(template)));
    if (outcome.kind === 'window-closed') return { kind: 'refused', reason: 'WhatsApp does not take this template' };
    if (outcome.kind !== 'sent') return outcome;
    const waitedMs = this.#now() - (store.piece(invitation.id)?.askedAt ?? this.#now());
    if (waitedMs >= INVITED_MS) return { kind: 'refused', reason: 'the person was asked to answer, and has not' };
    return { kind: 'later', reason: 'the person was asked to answer first', delayMs: nextLook(waitedMs) };
  }

  async #deliver(piece: Piece, { upload, content }: OutgoingMessage): Promise<PieceOutcome> {
    const { client, store } = this.#options;
    const pausedMs = this.#pauses.remainingMs(ACCOUNT, piece.to.chat);
    if (pausedMs > 0) return { kind: 'later', reason: 'WhatsApp has asked to wait', delayMs: pausedMs };
    const mediaId = upload === null ? ok('') : await this.#upload(piece, upload);
    if (!mediaId.ok) return mediaId.error;
    await store.asked({ id: piece.id, departure: piece.departure, askedAt: this.#now() });
    const answer = await client.postMessage({
      ...recipientOf(piece.kind, piece.to.recipient),
      ...content(mediaId.value),
      biz_opaque_callback_data: piece.id,
    });
    if (answer.kind === 'lost') throw unknown(answer.reason);
    if (answer.kind === 'ok') return await this.#accepted(piece, answer.body);
    await store.withdrawn(piece.id);
    return answer.kind === 'failed' ? this.#remedied(piece, answer.failure) : this.#unreached(answer.reason);
  }

  async #accepted({ id, to }: Piece, body: unknown): Promise<SendOutcome> {
    const accepted = acceptedSchema.safeParse(body);
    if (!accepted.success) throw unknown('the answer names no message');
    this.#pauses.end(ACCOUNT, to.chat);
    this.#trouble = null;
    await this.#options.store.answered(id, accepted.data.messages[0].id);
    return SENT;
  }

  /** The id of the file that was uploaded. A file that goes up twice is seen by nobody, so nothing is kept of it. */
  async #upload(piece: Piece, upload: NonNullable<OutgoingMessage['upload']>): Promise<Result<string, PieceOutcome>> {
    const answer = await uploadFile(this.#options.client, upload.file, upload).catch((error: unknown) => {
      throw failed(`the file cannot be read: ${errorText(error)}`);
    });
    if (answer.kind === 'failed') return err(this.#remedied(piece, answer.failure));
    if (answer.kind === 'unreached') return err(this.#unreached(answer.reason));
    const uploaded = answer.kind === 'ok' ? uploadedSchema.safeParse(answer.body).data : undefined;
    if (uploaded === undefined) throw failed('the file was not uploaded');
    return ok(uploaded.id);
  }

  #remedied({ departure, to }: Piece, { code, status, details }: GraphFailure): PieceOutcome {
    const { account, logger } = this.#options;
    const { remedy, words } = meaningOf(code, status);
    const reason = describeFailure(words, code, details);
    const fields = { account, departure, code, status, reason };
    switch (remedy.kind) {
      case 'window':
        return { kind: 'window-closed' };
      case 'refuse':
        return { kind: 'refused', reason };
      case 'retry':
        throw failed(reason);
      case 'wait':
        logger.warn(fields, 'WhatsApp has asked to wait; what is to be sent waits');
        return this.#wait(remedy.who === 'chat' ? to.chat : ACCOUNT, reason, remedy.backoff);
      case 'mend':
        // Without WhatsApp's own details, which may name people and numbers: it is told over HTTP.
        this.#trouble = describeFailure(words, code, '');
        logger.error(fields, 'the WhatsApp account cannot send until it is mended; what is to be sent waits');
        return this.#wait(ACCOUNT, reason, MEND);
    }
  }

  #unreached(why: string): SendOutcome {
    const reason = `WhatsApp cannot be reached: ${why}`;
    this.#options.logger.warn({ account: this.#options.account, reason }, 'what is to be sent waits');
    return this.#wait(ACCOUNT, reason, { baseMs: 2_000, maxMs: 60_000 });
  }

  #wait(who: string, reason: string, backoff: Backoff): SendOutcome {
    return { kind: 'later', reason, delayMs: this.#pauses.begin(who, backoff) };
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

/** The key of the whole account among its pauses; no chat is called so. */
const ACCOUNT = '';

/** The longer somebody has not answered, the less often it is looked; in milliseconds. */
const nextLook = (waitedMs: number): number => Math.round(Math.min(600_000, Math.max(10_000, waitedMs / 10)));

const unknown = (why: string): ParleyError =>
  new ParleyError('CHANNEL_SEND_FAILED', `It is unknown whether WhatsApp has the message: ${why}.`, {
    hint: 'WhatsApp may still say so; if it does not, the message is sent again and may then be seen twice.',
  });
const failed = (why: string): ParleyError => new ParleyError('CHANNEL_SEND_FAILED', `WhatsApp failed: ${why}.`);
