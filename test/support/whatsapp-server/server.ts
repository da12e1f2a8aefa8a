import './quiet-libsignal.ts';
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { type Logger, silentLogger } from '../../../src/lib/logger.ts';
import type { Account, Device } from './accounts.ts';
import { createRoot, issueCertificate, type Root } from './certificate.ts';
import { Connection, MAX_FRAME_BYTES } from './connection.ts';
import type { Listener, ServerEvent } from './events.ts';
import { Faults } from './faults.ts';
import { addMembers, createGroup, removeMembers } from './group-queries.ts';
import type { Group } from './groups.ts';
import { parseQrCode } from './linking.ts';
import { MediaHost } from './media.ts';
import { Network } from './network.ts';

export interface WhatsAppServerOptions {
  /** One of its own, if there is none. */
  readonly port?: number;
  readonly logger?: Logger;
  /** So that clients of one process can trust several servers: what they trust is global to it. */
  readonly root?: Root;
}

/** The account of a number, as tests see it. */
export interface Phone {
  readonly number: string;
  /** The user part of the `…@lid`. */
  readonly lid: string;
  readonly name: string | null;
  /** The ids of the devices that are linked now. */
  readonly devices: readonly number[];
  /** How many messages wait for a device, all if none is given: not delivered, or not receipted. */
  pending(device?: number): number;
}

/** A message that clients sent. */
export interface SentMessage {
  readonly id: string;
  readonly from: string;
  /** A number, or the id of a group. */
  readonly to: string;
  /** How often it came. */
  readonly times: number;
  /** How often one device got another copy of it, because it could not read the first one. */
  readonly resends: number;
}

type SentFilter = Partial<Pick<SentMessage, 'id' | 'from' | 'to'>>;

/** A WhatsApp Web server on this machine: nothing of it leaves 127.0.0.1, and everything is forgotten when it stops. */
export class WhatsAppServer implements AsyncDisposable {
  readonly faults: Faults;
  readonly #network: Network;
  readonly #sockets: WebSocketServer;
  readonly #stopping = Promise.withResolvers<never>();

  private constructor(network: Network, sockets: WebSocketServer) {
    this.#network = network;
    this.#sockets = sockets;
    this.faults = new Faults(network);
    this.#stopping.promise.catch(() => undefined);
    sockets.on('connection', (socket) => new Connection(network, socket));
  }

  static async start({
    port = 0,
    logger = silentLogger,
    root = createRoot(),
  }: WhatsAppServerOptions = {}): Promise<WhatsAppServer> {
    const media = await MediaHost.start();
    const sockets = new WebSocketServer({ host: '127.0.0.1', port, maxPayload: MAX_FRAME_BYTES });
    try {
      await once(sockets, 'listening');
    } catch (error) {
      await media[Symbol.asyncDispose]();
      throw error;
    }
    return new WhatsAppServer(new Network(issueCertificate(root), media, logger), sockets);
  }

  /** What a client has to use as the address of WhatsApp. */
  get url(): string {
    const address = this.#sockets.address();
    if (address === null || typeof address === 'string') throw new Error('the server does not listen');
    return `ws://127.0.0.1:${address.port}/ws/chat`;
  }

  /** What a client has to use as the root key of WhatsApp, in hex. */
  get rootKey(): string {
    return Buffer.from(this.#network.certificate.root.public).toString('hex');
  }

  /** What a client has to trust for uploads, in PEM. */
  get mediaCertificate(): string {
    return this.#network.media.certificate;
  }

  /** The account of a number (digits only), made when it is not there. */
  phone(number: string, name?: string): Phone {
    const account = this.#account(number, name);
    const waiting = (device: Device): number => device.inbox.count('message');
    return {
      number,
      lid: account.lid,
      name: account.name,
      devices: [...account.devices.keys()],
      pending: (id) => {
        const devices = [...account.devices.values()].filter((device) => id === undefined || device.id === id);
        return devices.reduce((sum, device) => sum + waiting(device), 0);
      },
    };
  }

  /** The number whose `…@lid` this is. */
  numberOf(lid: string): string | undefined {
    return this.#network.accounts.at({ user: lid, server: 'lid', device: 0 })?.number;
  }

  /** The phone of a number reads a QR code. Resolves when the device that shows it is linked. */
  async scan(qr: string, number: string, name?: string): Promise<void> {
    const code = parseQrCode(qr);
    const linking = [...this.#network.linkings].find((each) => each.shows(code.ref));
    if (!linking) throw new Error('no device shows this QR code now');
    await linking.scanned(this.#account(number, name), code);
  }

  /** The code is typed into the phone of a number, as soon as a device asks for that. Resolves when it is linked. */
  async enterPairingCode(code: string, number: string, name?: string): Promise<void> {
    const account = this.#account(number, name);
    for (;;) {
      const linking = [...this.#network.linkings].findLast(({ asksFor }) => asksFor === number);
      if (linking) return linking.entered(account, code);
      await Promise.race([this.#network.nextLinkRequest, this.#stopping.promise]);
    }
  }

  /** The phone removes a device, or all. */
  unlink(number: string, device?: number): void {
    for (const each of [...this.#account(number).devices.values()]) {
      if (device === undefined || each.id === device) this.#network.unlink(each);
    }
  }

  /** The first of the members is the admin. */
  createGroup(subject: string, numbers: readonly string[]): { readonly id: string } {
    const [creator, ...members] = numbers.map((number) => this.#account(number));
    if (!creator) throw new Error('nobody is in the group');
    return { id: createGroup(this.#network, subject, creator, members).id };
  }

  addToGroup(id: string, ...numbers: readonly string[]): void {
    addMembers(
      this.#network,
      this.#group(id),
      numbers.map((number) => this.#account(number)),
    );
  }

  removeFromGroup(id: string, ...numbers: readonly string[]): void {
    removeMembers(
      this.#network,
      this.#group(id),
      numbers.map((number) => this.#account(number)),
    );
  }

  /** The messages that came from clients, the first first. */
  sent(filter: SentFilter = {}): readonly SentMessage[] {
    const messages = new Map<string, SentMessage>();
    for (const event of this.#network.events.all) {
      if (event.type !== 'message') continue;
      const { id, number: from, to, isResend } = event;
      const key = [id, from, to].join(' ');
      const { times = 0, resends = 0 } = messages.get(key) ?? {};
      const counts = isResend ? { times, resends: resends + 1 } : { times: times + 1, resends };
      messages.set(key, { id, from, to, ...counts });
    }
    const { id, from, to } = filter;
    return [...messages.values()].filter(
      (message) =>
        (id ?? message.id) === message.id &&
        (from ?? message.from) === message.from &&
        (to ?? message.to) === message.to,
    );
  }

  /** All that happened, in order. */
  events(): readonly ServerEvent[] {
    return this.#network.events.all;
  }

  /** Calls back at everything that happens from now on, before anything follows it. Returns how to end that. */
  on(listener: Listener): () => void {
    return this.#network.events.on(listener);
  }

  /** Cuts all connections. */
  async stop(): Promise<void> {
    this.#stopping.reject(new Error('the server has stopped'));
    const closed = new Promise((resolve) => this.#sockets.close(resolve));
    for (const connection of this.#network.connections) connection.terminate();
    await Promise.all([closed, this.#network.media[Symbol.asyncDispose]()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #account(number: string, name?: string): Account {
    const account = this.#network.accounts.ensure(number);
    if (name !== undefined) account.name = name;
    return account;
  }

  #group(id: string): Group {
    const group = this.#network.groups.get(id);
    if (!group) throw new Error(`there is no group ${id}`);
    return group;
  }
}

/** Starts a server on 127.0.0.1. Throws when the port is taken. */
export function startWhatsAppServer(options?: WhatsAppServerOptions): Promise<WhatsAppServer> {
  return WhatsAppServer.start(options);
}
