import './whatsapp-server/quiet-libsignal.ts';
import { Agent } from 'node:https';
import {
  type AnyMessageContent,
  type BinaryNode,
  DisconnectReason,
  generateMessageIDV2,
  jidDecode,
  makeWASocket,
  type proto,
  WA_CERT_DETAILS,
  type WAMessage,
  type WAMessageKey,
} from 'baileys';
import pino from 'pino';
import { z } from 'zod';
import { MemorySession } from './whatsapp-server/client/memory-session.ts';
import { type ReceivedMessage, receivedMessage } from './whatsapp-server/client/received-message.ts';
import { Watch } from './whatsapp-server/client/watch.ts';
import type { WhatsAppServer } from './whatsapp-server/server.ts';

/** What has become of an own message, in this order; refused is the end. */
const STATUSES = ['sending', 'sent', 'delivered', 'read', 'refused'] as const;
export type MessageStatus = (typeof STATUSES)[number];

/** `proto.WebMessageInfo.Status`: 0 error, 2 server, 3 delivered, 4 read, 5 played. */
const STATUS_BY_CODE: readonly MessageStatus[] = ['refused', 'sending', 'sent', 'delivered', 'read', 'read'];

/** How many messages are told of when something was waited for in vain: the last ones. */
const MOST_TOLD = 20;

export interface SayOptions {
  /** The id of the message that this one answers. */
  readonly quoted?: string;
  /** Numbers; `@number` in the text is replaced as a client would do it. */
  readonly mentions?: readonly string[];
  readonly id?: string;
  /** Sent instead of the bare text, which becomes the caption. */
  readonly image?: Buffer;
  readonly document?: { readonly content: Buffer; readonly mimetype: string; readonly fileName: string };
}

interface Typing {
  readonly from: string;
  readonly chat: string;
  /** `composing`, `recording`, or `available` when they paused. */
  readonly state: string;
}

type Socket = ReturnType<typeof makeWASocket>;

/** How a device that shows a QR code gets linked. */
type Link = (socket: Socket, qr: string) => Promise<void>;

interface PersonOptions {
  readonly name: string;
  readonly link: Link | 'qr' | 'code';
}

const closeSchema = z.object({ output: z.object({ statusCode: z.number() }) });

/** Somebody with WhatsApp: a real Baileys client, linked to the phone of a number at a local server. */
export class WhatsAppPerson implements AsyncDisposable {
  readonly number: string;
  /** Everything that was received, own messages of other devices included. */
  readonly messages: ReceivedMessage[] = [];
  /** The ids of messages that could not be decrypted when they came. */
  readonly unreadable: string[] = [];
  readonly typing: Typing[] = [];
  /** Why the connection ended, each time that it did: the codes of Baileys. */
  readonly closes: number[] = [];
  readonly session = new MemorySession();
  readonly #server: WhatsAppServer;
  readonly #name: string;
  readonly #linkBy: PersonOptions['link'];
  readonly #raw = new Map<string, WAMessage>();
  readonly #own = new Set<string>();
  readonly #statuses = new Map<string, MessageStatus>();
  readonly #watch = new Watch();
  #socket: Socket | undefined;
  #opened = Promise.withResolvers<void>();
  #closed = Promise.resolve();

  constructor(server: WhatsAppServer, number: string, { name, link }: PersonOptions) {
    this.#server = server;
    this.number = number;
    this.#name = name;
    this.#linkBy = link;
  }

  get jid(): string {
    return `${this.number}@s.whatsapp.net`;
  }

  /** For what a person has no word for. Throws when there is no connection. */
  get socket(): Socket {
    if (!this.#socket) throw new Error(`${this.number} is not connected`);
    return this.#socket;
  }

  /** With the session that there is, or by linking a new device. Resolves when the client is online. */
  connect(): Promise<void> {
    this.#opened = Promise.withResolvers();
    this.#open();
    return this.#opened.promise;
  }

  /** Hangs up. What is sent meanwhile waits at the server. */
  async disconnect(): Promise<void> {
    await this.#socket?.end(undefined);
    await this.#closed;
    this.#socket = undefined;
  }

  stop(): Promise<void> {
    return this.disconnect();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  /** Sends to a number or to the id of a group; returns the id of the message, which the server may not have yet. */
  async say(to: string, text: string, options: SayOptions = {}): Promise<string> {
    const { quoted, mentions = [], id = generateMessageIDV2() } = options;
    const lids = mentions.map((number) => this.#server.phone(number).lid);
    const written = mentions.reduce((said, number, index) => said.replaceAll(`@${number}`, `@${lids[index]}`), text);
    const context = mentions.length > 0 ? { mentions: lids.map((lid) => `${lid}@lid`) } : {};
    await this.#send(to, id, { ...contentOf(written, options), ...context }, quoted);
    return id;
  }

  /** An empty emoji takes it back. Returns the id of the reaction. */
  async react(to: string, emoji: string): Promise<string> {
    const { key } = this.#message(to);
    const id = generateMessageIDV2();
    await this.#send(chatOf(key), id, { react: { text: emoji, key } });
    return id;
  }

  /** Gives an own message another text. */
  async edit(id: string, text: string): Promise<void> {
    const { key } = this.#message(id);
    await this.#send(chatOf(key), generateMessageIDV2(), { text, edit: key });
  }

  /** Deletes an own message for everybody. */
  async remove(id: string): Promise<void> {
    const { key } = this.#message(id);
    await this.#send(chatOf(key), generateMessageIDV2(), { delete: key });
  }

  async read(id: string): Promise<void> {
    await this.socket.readMessages([this.#message(id).key]);
  }

  async type(to: string, state: 'composing' | 'paused' = 'composing'): Promise<void> {
    await this.socket.sendPresenceUpdate(state, jidOf(to));
  }

  /** What somebody was last seen doing; null if nothing. */
  typingOf(number: string): string | null {
    return this.typing.findLast(({ from }) => from === number)?.state ?? null;
  }

  status(id: string): MessageStatus {
    return this.#statuses.get(id) ?? 'sending';
  }

  heard(text: string): Promise<ReceivedMessage> {
    return this.waitFor(() => this.messages.find((message) => message.text === text), `hears “${text}”`);
  }

  reached(id: string, status: MessageStatus): Promise<true> {
    return this.waitFor(() => this.status(id) === status, `has ${id} ${status}`);
  }

  /** Resolves with what `look` finds, as soon as it finds anything: it is asked again at everything that happens. */
  waitFor<T>(look: () => T | undefined | null | false, what: string): Promise<T> {
    const heard = (): string =>
      this.messages
        .slice(-MOST_TOLD)
        .map(({ text }) => text.slice(0, 40))
        .join(' | ');
    return this.#watch.until(look, () => `${this.#name} ${what}; heard: ${heard()}`);
  }

  #open(): void {
    WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(this.#server.rootKey, 'hex');
    const socket = makeWASocket({
      auth: this.session,
      waWebSocketUrl: this.#server.url,
      fetchAgent: new Agent({ ca: this.#server.mediaCertificate }),
      logger: pino({ level: 'silent' }),
      shouldSyncHistoryMessage: () => false,
      getMessage: async ({ id }) => this.#raw.get(id ?? '')?.message ?? undefined,
    });
    this.#socket = socket;
    const closed = Promise.withResolvers<void>();
    this.#closed = closed.promise;
    const { ev } = socket;
    ev.on('creds.update', (update) => void Object.assign(this.session.creds, update));
    ev.on('connection.update', ({ qr, connection, lastDisconnect }) => {
      if (qr !== undefined) this.#link(socket, qr).catch(this.#opened.reject);
      if (connection === 'open') this.#opened.resolve();
      if (connection === 'close') {
        closed.resolve();
        this.#onClose(lastDisconnect?.error);
      }
      this.#watch.changed();
    });
    ev.on('messages.upsert', ({ messages, type }) => {
      for (const message of messages) this.#receive(message, type === 'append');
      this.#watch.changed();
    });
    ev.on('messages.update', (updates) => {
      for (const { key, update } of updates) if (key.fromMe) this.#reach(key, STATUS_BY_CODE[update.status ?? -1]);
      this.#watch.changed();
    });
    ev.on('message-receipt.update', (updates) => {
      for (const { key, receipt } of updates) this.#reach(key, receipt.readTimestamp ? 'read' : 'delivered');
      this.#watch.changed();
    });
    ev.on('presence.update', ({ id, presences }) => {
      for (const [jid, { lastKnownPresence: state }] of Object.entries(presences)) {
        this.typing.push({ from: this.#numberOf(jid), chat: this.#numberOf(id), state });
      }
      this.#watch.changed();
    });
    socket.ws.on('CB:ack,class:message', ({ attrs }: BinaryNode) => {
      this.#reach({ id: attrs['id'] ?? '' }, attrs['error'] === undefined ? 'sent' : 'refused');
      this.#watch.changed();
    });
  }

  async #link(socket: Socket, qr: string): Promise<void> {
    if (typeof this.#linkBy === 'function') return this.#linkBy(socket, qr);
    if (this.#linkBy === 'qr') return this.#server.scan(qr, this.number, this.#name);
    const code = await socket.requestPairingCode(this.number);
    await this.#server.enterPairingCode(code, this.number, this.#name);
  }

  #onClose(error: unknown): void {
    const code = closeSchema.safeParse(error).data?.output.statusCode;
    if (code === DisconnectReason.restartRequired) {
      this.#open();
      return;
    }
    if (code !== undefined) this.closes.push(code);
    this.#opened.promise.catch(() => undefined);
    this.#opened.reject(new Error(`${this.number} could not connect: ${code}`));
  }

  #receive(raw: WAMessage, isOffline: boolean): void {
    const id = raw.key.id ?? '';
    if (this.#own.has(id)) {
      // Baileys merges an update into the echo of the message when both come at once.
      this.#reach(raw.key, STATUS_BY_CODE[raw.status ?? -1]);
      for (const { readTimestamp } of raw.userReceipt ?? []) this.#reach(raw.key, readTimestamp ? 'read' : 'delivered');
      return;
    }
    this.#raw.set(id, raw);
    const options = { isOffline, me: this.number, numberOf: (jid: string) => this.#numberOf(jid) };
    const message = receivedMessage(raw, options);
    if (message) this.messages.push(message);
    else this.unreadable.push(id);
  }

  async #send(to: string, id: string, content: AnyMessageContent, quoted?: string): Promise<void> {
    this.#own.add(id);
    const options = quoted === undefined ? {} : { quoted: this.#message(quoted) };
    const sent = await this.socket.sendMessage(jidOf(to), content, { messageId: id, ...options });
    if (sent) this.#raw.set(id, sent);
  }

  /** Never back. */
  #reach({ id }: Pick<WAMessageKey, 'id'>, status: MessageStatus | undefined): void {
    if (!id || !status || STATUSES.indexOf(status) <= STATUSES.indexOf(this.status(id))) return;
    this.#statuses.set(id, status);
  }

  #message(id: string): WAMessage {
    const message = this.#raw.get(id);
    if (!message) throw new Error(`${this.number} knows no message ${id}`);
    return message;
  }

  #numberOf(jid: string): string {
    const address = jidDecode(jid);
    if (address?.server === 'lid') return this.#server.numberOf(address.user) ?? jid;
    return address?.server === 's.whatsapp.net' ? address.user : jid;
  }
}

/** Links a new device to the phone of a number, by its QR code if not told otherwise, and goes online. */
export async function connectPerson(
  server: WhatsAppServer,
  number: string,
  name = number,
  { link = 'qr' }: Partial<Pick<PersonOptions, 'link'>> = {},
): Promise<WhatsAppPerson> {
  const person = new WhatsAppPerson(server, number, { name, link });
  await person.connect();
  return person;
}

function contentOf(text: string, { image, document }: SayOptions): AnyMessageContent {
  if (image) return { image, caption: text, jpegThumbnail: '' };
  if (!document) return { text };
  const { content, mimetype, fileName } = document;
  return { document: content, mimetype, fileName, caption: text };
}

function jidOf(to: string): string {
  return to.includes('@') ? to : `${to}@s.whatsapp.net`;
}

function chatOf({ remoteJid }: proto.IMessageKey): string {
  if (!remoteJid) throw new Error('a message in no chat');
  return remoteJid;
}
