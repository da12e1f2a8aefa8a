import type { BinaryNode } from 'baileys';
import type { Accounts, Device } from './accounts.ts';
import { userAddress } from './address.ts';
import type { EventLog } from './events.ts';
import { attribute, stanza } from './stanza.ts';

/** Hands stanzas to devices: at once to those that are connected, to others when they are back. Each stays until it is settled. */
export class Deliveries {
  readonly #accounts: Accounts;
  readonly #events: EventLog;
  #isHolding = false;
  #isReordering = false;

  constructor(accounts: Accounts, events: EventLog) {
    this.#accounts = accounts;
    this.#events = events;
  }

  /** Nothing but messages is held back. */
  hold(isHolding: boolean): void {
    this.#isHolding = isHolding;
    this.#sendAll();
  }

  /** While on, a message waits for the next one to the same device, which goes first. */
  reorder(isReordering: boolean): void {
    this.#isReordering = isReordering;
    this.#sendAll();
  }

  /** `key` is under which the device will settle it. */
  post(device: Device, key: string, node: BinaryNode): void {
    device.inbox.keep(key, node);
    if (device.session?.isCaughtUp) this.send(device);
  }

  /** Sends what has not gone over the connection that the device has now. */
  send(device: Device, isOffline = false): void {
    const { session } = device;
    if (!session) return;
    const unsent = device.inbox.unsent();
    const messages = this.#inTurn(unsent.filter(({ tag }) => tag === 'message'));
    for (const node of [...unsent.filter(({ tag }) => tag !== 'message'), ...messages]) {
      const isSent = session.send(isOffline ? stanza(node.tag, { ...node.attrs, offline: 0 }, node.content) : node);
      if (!isSent) return;
      device.inbox.markSent(node);
      if (node.tag === 'message') this.#noteDelivered(device, node, isOffline);
    }
  }

  #inTurn(messages: readonly BinaryNode[]): readonly BinaryNode[] {
    if (this.#isHolding) return [];
    if (!this.#isReordering) return messages;
    return messages.length < 2 ? [] : messages.toReversed();
  }

  #sendAll(): void {
    for (const account of this.#accounts.all()) {
      for (const device of account.devices.values()) if (device.session?.isCaughtUp) this.send(device);
    }
  }

  #noteDelivered(device: Device, node: BinaryNode, isOffline: boolean): void {
    const author = this.#accounts.at(userAddress(node.attrs['participant'] ?? attribute(node, 'from')));
    this.#events.add({
      type: 'delivered',
      number: device.account.number,
      device: device.id,
      id: attribute(node, 'id'),
      from: author?.number ?? '',
      isOffline,
    });
  }
}
