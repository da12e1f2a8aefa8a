import type { Logger } from '../../../src/lib/logger.ts';
import { Accounts, type Device } from './accounts.ts';
import type { Certificate } from './certificate.ts';
import type { Connection } from './connection.ts';
import { Deliveries } from './deliveries.ts';
import { announceDevice } from './device-list.ts';
import { EventLog } from './events.ts';
import { type Group, Groups } from './groups.ts';
import type { Linking } from './linking.ts';
import type { MediaHost } from './media.ts';
import { MessageFaults } from './message-faults.ts';
import { stanza } from './stanza.ts';

/** All that a server knows. What clients do changes it in the files that are named after what they do. */
export class Network {
  readonly accounts = new Accounts();
  readonly groups = new Groups();
  readonly events = new EventLog();
  readonly deliveries = new Deliveries(this.accounts, this.events);
  readonly messageFaults = new MessageFaults();
  readonly connections = new Set<Connection>();
  readonly linkings = new Set<Linking>();
  readonly certificate: Certificate;
  readonly media: MediaHost;
  readonly logger: Logger;
  #lastId = 0;
  #linkRequest = Promise.withResolvers<void>();

  constructor(certificate: Certificate, media: MediaHost, logger: Logger) {
    this.certificate = certificate;
    this.media = media;
    this.logger = logger;
  }

  /** An id for a stanza of the server itself. */
  nextId(): string {
    this.#lastId += 1;
    return `local-${this.#lastId}`;
  }

  /** A device asks to be linked by a code. */
  linkRequested(): void {
    this.#linkRequest.resolve();
    this.#linkRequest = Promise.withResolvers();
  }

  get nextLinkRequest(): Promise<void> {
    return this.#linkRequest.promise;
  }

  link(device: Device): void {
    const { account, id } = device;
    account.devices.set(id, device);
    this.events.add({ type: 'linked', number: account.number, device: id });
    announceDevice(this, device, 'add');
  }

  /** The device is thrown out and has to be linked again. */
  unlink(device: Device): void {
    const { account, id } = device;
    account.devices.delete(id);
    this.events.add({ type: 'unlinked', number: account.number, device: id });
    const removed = stanza('stream:error', { code: 401 }, [stanza('conflict', { type: 'device_removed' })]);
    device.session?.end(removed);
    announceDevice(this, device, 'remove');
  }

  /** All linked devices, or those of the members of a group. */
  devices(group?: Group): readonly Device[] {
    const accounts = group ? group.members : [...this.accounts.all()];
    return accounts.flatMap((account) => [...account.devices.values()]);
  }
}
