import type { BinaryNode, proto, WASocket } from 'baileys';
import { ParleyError } from '../../../domain/errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import { errorText } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { ChatDeparture, SendOutcome } from '../../channel.ts';
import { ackError } from './ack-errors.ts';
import type { Baileys } from './baileys.ts';
import { jidOf, type PersonIds } from './identity.ts';
import { type Outgoing, outgoingOf } from './outgoing.ts';
import { type Pace, Pacing } from './pacing.ts';
import { Serial } from './serial.ts';
import type { WhatsAppSessions } from './sessions.ts';

/** How soon to look again whether an account is connected, milliseconds. */
const NOT_CONNECTED_MS = 2_000;

export interface SenderOptions {
  readonly baileys: Baileys;
  readonly account: string;
  readonly sessions: WhatsAppSessions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pace: Pace;
  readonly ackTimeoutMs: number;
  /** The open connection; null when there is none just now. */
  readonly line: () => Line | null;
}

/** An open connection, and when it is no more. */
export interface Line {
  readonly socket: WASocket;
  readonly closed: AbortSignal;
  /** Who is in a group; empty when WhatsApp does not say in time. */
  members(group: string): Promise<readonly PersonIds[]>;
}

/** Sends the messages of one account, one after the other. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #queue = new Serial();
  readonly #pacing: Pacing;
  readonly #stopping = new AbortController();

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#pacing = new Pacing(options.pace, options.clock);
  }

  /** Resolves when WhatsApp has answered. Rejects with CHANNEL_SEND_FAILED when it has not, or when this stops before. */
  send(departure: ChatDeparture): Promise<SendOutcome> {
    return this.#queue.run(() => this.#send(departure));
  }

  /** What has not been sent yet is not sent any more; resolves when the answer to what was sent has come, or is overdue. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#queue.run(async () => {});
  }

  async #send(departure: ChatDeparture): Promise<SendOutcome> {
    const { baileys, sessions } = this.#options;
    const { peer } = departure.chat;
    const jid = jidOf(peer.id);
    if (jid === null) return { kind: 'refused', reason: `${peer.id} is nobody on WhatsApp` };
    const messages = outgoingOf(baileys, sessions, departure);
    if (!messages) return { kind: 'refused', reason: 'the message to react to is known no more' };
    for (const message of messages) {
      const outcome = await this.#deliver(departure.id, jid, peer.id, message);
      if (outcome.kind !== 'sent') return outcome;
    }
    return { kind: 'sent' };
  }

  async #deliver(departure: string, jid: string, peer: string, outgoing: Outgoing): Promise<SendOutcome> {
    const { account, sessions, line, logger } = this.#options;
    if (sessions.sent(account, outgoing.stanza)?.acked) return { kind: 'sent' };
    if (line()) await this.#pacing.turn(jid, this.#stopping.signal);
    if (this.#stopping.signal.aborted) throw failed('The WhatsApp channel was stopped before the message was sent.');
    const open = line();
    if (!open) return { kind: 'later', reason: 'WhatsApp is not connected', delayMs: NOT_CONNECTED_MS };
    if (jid.endsWith('@s.whatsapp.net') && !sessions.person(null, peer)) {
      logger.info({ account, peer }, 'writing on WhatsApp to somebody who has not written before');
    }
    const content = await this.#contentOf(open, departure, jid, outgoing);
    return content.kind === 'ready' ? await this.#relay(open, jid, outgoing.stanza, content.message) : content;
  }

  /** What is sent again is sent as it was: a file is not uploaded twice, and a recipient who asks gets what was said. */
  async #contentOf(
    line: Line,
    departure: string,
    jid: string,
    { stanza, mentioning, content, quoted }: Outgoing,
  ): Promise<{ readonly kind: 'ready'; readonly message: proto.IMessage } | SendOutcome> {
    const { baileys, account, sessions } = this.#options;
    const before = sessions.sent(account, stanza);
    if (before) return { kind: 'ready', message: baileys.proto.Message.decode(before.content) };
    const { socket } = line;
    try {
      const mentions = await mentionsOf(line, jid, mentioning);
      const { message } = await baileys.generateWAMessage(jid, content(mentions), {
        userJid: socket.user?.id ?? '',
        upload: socket.waUploadToServer,
        messageId: stanza,
        ...(quoted ? { quoted } : {}),
      });
      if (!message) return { kind: 'refused', reason: 'there is nothing to say' };
      const bytes = baileys.proto.Message.encode(message).finish();
      await sessions.commit([sessions.putSent({ account, stanza, jid, departure, content: bytes })]);
      return { kind: 'ready', message };
    } catch (cause) {
      if (isMissingFile(cause)) return { kind: 'refused', reason: 'the file to send is not there' };
      throw failed(`A message for WhatsApp could not be made: ${errorText(cause)}`, cause);
    }
  }

  async #relay(line: Line, jid: string, stanza: string, message: proto.IMessage): Promise<SendOutcome> {
    const { account, sessions } = this.#options;
    const answer = this.#answer(line, stanza);
    const relayed = line.socket.relayMessage(jid, message, { messageId: stanza });
    let node: BinaryNode | null;
    try {
      // The library asks WhatsApp for devices and keys first, and waits longer for them than is good for the other messages.
      node = await Promise.race([relayed.then(() => answer.node), answer.node]);
    } catch (cause) {
      answer.cancel();
      const refusal = ackError(queryError(cause) ?? '');
      if (refusal) return refusal;
      throw failed(`WhatsApp did not take a message: ${errorText(cause)}`, cause);
    }
    if (!node) {
      throw failed(
        'WhatsApp has not answered, so it is unknown whether the message arrived; sent again, it appears once.',
      );
    }
    // A receipt of a recipient carries the id too, and proves as much.
    const error = node.tag === 'ack' ? node.attrs['error'] : undefined;
    if (error === undefined) {
      await sessions.commit([sessions.ackSent(account, stanza)]);
      return { kind: 'sent' };
    }
    const outcome = ackError(error);
    if (!outcome) throw failed(`WhatsApp answered a message with error ${error}.`);
    return outcome;
  }

  /** What WhatsApp says of a message; null when it says nothing in time, or the connection closes before. */
  #answer({ socket, closed }: Line, stanza: string): Answer {
    const { clock, ackTimeoutMs } = this.#options;
    const { promise, resolve } = Promise.withResolvers<BinaryNode | null>();
    const event = `TAG:${stanza}`;
    const cancel = (): void => resolve(null);
    const cancelTimer = clock.timer(clock.now() + ackTimeoutMs, cancel);
    socket.ws.on(event, resolve);
    closed.addEventListener('abort', cancel, { once: true });
    const node = promise.finally(() => {
      cancelTimer();
      socket.ws.off(event, resolve);
      closed.removeEventListener('abort', cancel);
    });
    return { node, cancel };
  }
}

/** In a group, the addresses of members of whom a text has an id after an `@`. */
async function mentionsOf(line: Line, jid: string, text: string): Promise<string[]> {
  const ids = new Set([...text.matchAll(/\B@(\d+)\b/g)].map(([, id]) => id));
  if (ids.size === 0 || !jid.endsWith('@g.us')) return [];
  const addresses = (await line.members(jid)).flatMap(({ lid, phone }) => [lid, phone && jidOf(phone)]);
  return addresses.filter((address) => address !== null).filter((address) => ids.has(address.split('@')[0]));
}

interface Answer {
  readonly node: Promise<BinaryNode | null>;
  readonly cancel: () => void;
}

const failed = (message: string, cause?: unknown): ParleyError =>
  new ParleyError('CHANNEL_SEND_FAILED', message, cause === undefined ? {} : { cause });

/** The code with which WhatsApp has answered a question that a message gave rise to, such as who is in the group. */
function queryError(error: unknown): string | null {
  return error instanceof Error && 'data' in error && typeof error.data === 'number' ? String(error.data) : null;
}

const isMissingFile = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR');
