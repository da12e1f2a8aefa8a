import type { BinaryNode, GroupMetadata, proto, SignalAuthState, SocketConfig, WASocket } from 'baileys';
import type { ChatIn, Peer } from '../../../domain/chat.ts';
import { errorText } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import type { Receive } from '../../channel.ts';
import { chatOf, type Envelope, envelopeOf, recordOf } from './arrival.ts';
import type { Baileys } from './baileys.ts';
import { membersOf, type Self } from './identity.ts';
import type { SessionKeys } from './session-keys.ts';
import type { KeyWrites, ReceivedMessage, WhatsAppSessions } from './sessions.ts';

type MakeSignalRepository = SocketConfig['makeSignalRepository'];
type SignalRepository = ReturnType<MakeSignalRepository>;

/** An encrypted part of a message: of several, one may carry a group's key and another the words. */
type Part = Uint8Array;
type Opened = ReadonlyMap<Part, Result<Uint8Array, unknown>>;

/** A message on its way in. Its parts are decrypted together, when the first is asked for. */
interface Incoming {
  readonly node: BinaryNode;
  readonly parts: readonly { readonly type: string; readonly part: Part }[];
  opened: Promise<Opened> | null;
}

export interface JournalOptions {
  readonly baileys: Baileys;
  readonly account: string;
  readonly keys: SessionKeys;
  readonly sessions: WhatsAppSessions;
  readonly self: () => Self;
  readonly receive: Receive;
  /** What those are called who answer in a chat from the account. */
  readonly agentsIn: (peer: Peer) => readonly string[];
  /** What is known of a group; asked for before the message is decrypted, so it may take its time. */
  readonly group: (id: string) => Promise<GroupMetadata | null>;
  /** A message that was new has been committed. */
  readonly received: (record: ReceivedMessage, chat: ChatIn) => void;
  /** A message could not be stored: close the connection before another word is said on it. */
  readonly failed: (error: unknown) => void;
  readonly logger: Logger;
}

/**
 * The place between decryption and receipt. The library tells WhatsApp that a message has arrived as soon as it is decrypted, and
 * before anybody has seen it; and a step of the ratchet that was stored without the message makes the message unreadable for ever.
 * So the decryption itself waits here until the message, the steps that the ratchet took for it, and all that is known of its sender
 * are committed together. When that fails nothing is kept, no receipt leaves, and WhatsApp delivers the message again.
 *
 * One journal serves one connection.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #incoming = new WeakMap<Part, Incoming>();
  readonly #underWay = new Set<Promise<unknown>>();
  #socket: WASocket | null = null;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Begins to watch what arrives. To be called with the socket as soon as it is made. */
  attach(socket: WASocket): void {
    this.#socket = socket;
    socket.ws.prependListener('CB:message', (node: BinaryNode) => {
      // The library has a queue for what came while it was away. What comes meanwhile would overtake it, and so the keys in it.
      node.attrs['offline'] ??= '0';
      this.#note(node);
    });
  }

  /** For the library, in place of its own. */
  readonly makeSignalRepository: MakeSignalRepository = ({ creds }: SignalAuthState, logger, toLids) => {
    const { baileys, keys } = this.#options;
    const signal = baileys.DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ creds, keys }, logger, toLids);
    return {
      ...signal,
      decryptMessage: async (request) =>
        (await this.#plaintext(signal, request.ciphertext)) ?? (await signal.decryptMessage(request)),
      decryptGroupMessage: async (request) =>
        (await this.#plaintext(signal, request.msg)) ?? (await signal.decryptGroupMessage(request)),
      // Done where the message that carries the key is decrypted, and committed with it.
      processSenderKeyDistributionMessage: async () => {},
    };
  };

  /** Resolves when what has begun to be decrypted is committed or has failed, and its receipt has been sent. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    // The library sends the receipt as soon as it has the plaintext, without waiting for anything else.
    await new Promise((resolve) => setImmediate(resolve));
  }

  get #isOpen(): boolean {
    return this.#socket?.ws.isOpen === true;
  }

  #note(node: BinaryNode): void {
    if (!Array.isArray(node.content)) return;
    const parts = node.content.flatMap(({ tag, attrs, content }) =>
      tag === 'enc' && content instanceof Uint8Array ? [{ type: attrs['type'] ?? '', part: content }] : [],
    );
    const incoming: Incoming = { node, parts, opened: null };
    for (const { part } of parts) this.#incoming.set(part, incoming);
  }

  /** The plaintext of a part; null when it did not come in a message. Throws what its decryption threw. */
  async #plaintext(signal: SignalRepository, part: Part): Promise<Uint8Array | null> {
    const incoming = this.#incoming.get(part);
    if (!incoming) return null;
    incoming.opened ??= this.#track(this.#open(signal, incoming));
    const result = (await incoming.opened).get(part);
    if (!result) return null;
    if (!result.ok) throw result.error;
    return result.value;
  }

  async #open(signal: SignalRepository, incoming: Incoming): Promise<Opened> {
    const { baileys, account, sessions, keys, self } = this.#options;
    const envelope = envelopeOf(baileys, sessions, account, self(), incoming.node);
    const named = envelope && (await this.#named(envelope));
    const { author } = baileys.decodeMessageNode(incoming.node, self().id, self().lid ?? '');
    const address = await baileys.getDecryptionJid(author, signal);
    try {
      return await keys.holding(async (writes) => {
        // Where no receipt can follow there is nothing to be gained: the message comes again on the next connection.
        if (!this.#isOpen) throw new Error('the connection was closed');
        const { opened, message } = await this.#decrypt(signal, incoming, author, address);
        if (message) await this.#commit(named, message, isWhole(opened), writes());
        return message || !named ? opened : this.#recognised(named, opened);
      });
    } catch (error) {
      // A connection that is ending already has a reason of its own.
      if (this.#isOpen) this.#options.failed(error);
      throw error;
    }
  }

  async #named(envelope: Envelope): Promise<Envelope> {
    const { peer } = envelope;
    const group = peer.kind === 'group' ? await this.#options.group(peer.id) : null;
    if (!group) return envelope;
    const members = membersOf(this.#options.baileys, group);
    return { ...envelope, members, peer: group.subject ? { ...peer, name: group.subject } : peer };
  }

  /** Decrypts what can be decrypted; `message` is what the parts say together, null when none could be read. */
  async #decrypt(
    signal: SignalRepository,
    { node, parts }: Incoming,
    author: string,
    address: string,
  ): Promise<{ opened: Opened; message: proto.IMessage | null }> {
    const opened = new Map<Part, Result<Uint8Array, unknown>>();
    let message: proto.IMessage | null = null;
    for (const { type, part } of parts) {
      try {
        const read = await this.#options.keys.attempt(async () => {
          const plaintext =
            type === 'skmsg'
              ? await signal.decryptGroupMessage({ group: node.attrs['from'] ?? '', authorJid: author, msg: part })
              : await signal.decryptMessage({
                  jid: address,
                  type: type === 'pkmsg' ? 'pkmsg' : 'msg',
                  ciphertext: part,
                });
          return { plaintext, said: await this.#read(signal, author, plaintext) };
        });
        opened.set(part, ok(read.plaintext));
        message = Object.assign(message ?? {}, read.said);
      } catch (error) {
        opened.set(part, err(error));
      }
    }
    return { opened, message };
  }

  async #read(signal: SignalRepository, author: string, plaintext: Uint8Array): Promise<proto.IMessage> {
    const { proto, unpadRandomMax16 } = this.#options.baileys;
    const outer = proto.Message.decode(unpadRandomMax16(plaintext));
    const message = outer.deviceSentMessage?.message ?? outer;
    const item = message.senderKeyDistributionMessage;
    if (item) {
      await this.#options.keys
        .attempt(() => signal.processSenderKeyDistributionMessage({ authorJid: author, item }))
        .catch((error: unknown) => this.#debug('a group key could not be taken in', error));
    }
    return message;
  }

  async #commit(envelope: Envelope | null, message: proto.IMessage, whole: boolean, ratchet: KeyWrites): Promise<void> {
    const { baileys, account, sessions, receive, received } = this.#options;
    const also = [sessions.putKeys(account, ratchet)];
    // Of what was read in part only, the rest is asked for again.
    if (!envelope || !whole) return await sessions.commit(also);
    const chat = this.#said(envelope, message);
    const record = recordOf(baileys, envelope, chat?.text ?? '');
    also.push(sessions.putReceived(record), sessions.putPerson(envelope.person));
    const outcome = chat ? await receive({ id: envelope.id, chat, also }) : 'refused';
    if (outcome !== 'accepted') await sessions.commit(also);
    // Nobody is told that a reaction was read.
    else if (chat && !chat.reaction) received(record, chat);
  }

  /** A message that cannot be made sense of would come again for ever if it were not taken. */
  #said(envelope: Envelope, message: proto.IMessage): ChatIn | null {
    const { baileys, sessions, account, self, agentsIn, logger } = this.#options;
    const { peer, members } = envelope;
    try {
      const company = { baileys, sessions, self: self(), agents: agentsIn(peer), members };
      return chatOf(company, account, envelope, message);
    } catch (error) {
      logger.error({ account, id: envelope.id, error: errorText(error) }, 'a WhatsApp message could not be read');
      return null;
    }
  }

  /**
   * A message that was committed, and whose receipt did not reach WhatsApp, cannot be decrypted again. For the library it becomes a
   * message that says nothing, so that the receipt goes out after all.
   */
  #recognised({ id }: Envelope, opened: Opened): Opened {
    const { baileys, sessions } = this.#options;
    if (sessions.received(id) === null) return opened;
    const nothing = baileys.encodeWAMessage({});
    return new Map([...opened.keys()].map((part) => [part, ok(nothing)]));
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  #debug(what: string, error: unknown): void {
    this.#options.logger.debug({ account: this.#options.account, error: errorText(error) }, what);
  }
}

const isWhole = (opened: Opened): boolean => [...opened.values()].every((result) => result.ok);
