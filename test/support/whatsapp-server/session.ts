import { type BinaryNode, getBinaryNodeChild, S_WHATSAPP_NET } from 'baileys';
import type { Account, Device } from './accounts.ts';
import { isGroupId, userAddress } from './address.ts';
import type { Connection } from './connection.ts';
import { ackKey } from './device-list.ts';
import { messageKey, takeMessage } from './messages.ts';
import type { Network } from './network.ts';
import { answer } from './queries.ts';
import { takeReceipt } from './receipts.ts';
import { attribute, firstChild, ProtocolError, stanza, timestamp } from './stanza.ts';

/** Stands for the data centre that a client is to come back to; it sends these bytes before its next handshake. */
const ROUTING_INFO = Buffer.from('local');

/** The connection of a linked device that has logged in. */
export class Session {
  readonly device: Device;
  readonly network: Network;
  readonly #connection: Connection;
  /** It has got what came while it was away; from now on messages come as they are sent. */
  isCaughtUp = false;

  constructor(network: Network, connection: Connection, device: Device) {
    this.network = network;
    this.#connection = connection;
    this.device = device;
  }

  get account(): Account {
    return this.device.account;
  }

  /** Takes over from an older connection of the same device. */
  welcome(): void {
    const { device, account } = this;
    device.session?.end(stanza('stream:error', {}, [stanza('conflict', { type: 'replaced' })]));
    device.session = this;
    device.inbox.unsend();
    this.send(stanza('success', { t: timestamp(), lid: device.lidJid, props: 27, creation: timestamp() }));
    const routing = stanza('edge_routing', {}, [stanza('routing_info', {}, ROUTING_INFO)]);
    this.send(stanza('ib', { from: S_WHATSAPP_NET }, [routing]));
    this.network.events.add({ type: 'connected', number: account.number, device: device.id });
  }

  /** False when the connection has ended. */
  send(node: BinaryNode): boolean {
    return this.#connection.send(node);
  }

  /** Says why, and closes. */
  end(reason: BinaryNode): void {
    this.send(reason);
    this.#connection.close();
  }

  /** As if the network had gone. */
  cut(): void {
    this.#connection.terminate();
  }

  closed(): void {
    if (this.device.session === this) this.device.session = null;
    this.network.events.add({ type: 'disconnected', number: this.account.number, device: this.device.id });
  }

  handle(node: BinaryNode): void {
    switch (node.tag) {
      case 'iq':
        return answer(this, node);
      case 'message':
        return takeMessage(this, node);
      case 'receipt':
        return takeReceipt(this, node);
      case 'ack':
        return this.#takeAck(node);
      case 'chatstate':
        return this.#forwardTyping(node);
      case 'ib':
        if (getBinaryNodeChild(node, 'offline_batch')) this.#deliverOffline();
        return;
      case 'presence':
        return;
      default:
        throw new ProtocolError(`nobody sends <${node.tag}>`);
    }
  }

  /** The device is ready for what came while it was away: it is told how much that is, and asks for it. */
  beginCatchingUp(): void {
    const { inbox } = this.device;
    const count = inbox.unsent().length;
    if (count === 0) {
      this.#deliverOffline();
      return;
    }
    const kinds = { message: inbox.count('message'), receipt: inbox.count('receipt') };
    const counts = { count, ...kinds, notification: inbox.count('notification'), appdata: 0 };
    this.send(stanza('ib', { from: S_WHATSAPP_NET }, [stanza('offline_preview', counts)]));
  }

  #deliverOffline(): void {
    const { device, network } = this;
    const count = device.inbox.unsent().length;
    network.deliveries.send(device, true);
    this.send(stanza('ib', { from: S_WHATSAPP_NET }, [stanza('offline', { count })]));
    this.isCaughtUp = true;
  }

  #takeAck(node: BinaryNode): void {
    const [id, tag, error = null] = [attribute(node, 'id'), attribute(node, 'class'), node.attrs['error']];
    const { device, network } = this;
    network.events.add({ type: 'ack', number: this.account.number, device: device.id, id, class: tag, error });
    if (tag !== 'message') {
      device.inbox.settle(ackKey(tag, node.attrs, node.attrs['to']));
      return;
    }
    const key = messageKey(network.accounts, {
      id,
      chat: attribute(node, 'to'),
      participant: node.attrs['participant'],
    });
    if (error === null) device.inbox.settle(key);
    else device.inbox.refuse(key);
  }

  /** Whoever is not connected does not get to know it. */
  #forwardTyping(node: BinaryNode): void {
    const to = attribute(node, 'to');
    const state = firstChild(node).tag;
    const { accounts, groups, events } = this.network;
    const group = isGroupId(to) ? groups.get(to) : undefined;
    const [person] = group ? [] : [accounts.of(to)];
    const listeners = group ? group.members.filter((member) => member !== this.account) : person ? [person] : [];
    const usesLid = group !== undefined || userAddress(to).server === 'lid';
    const from = usesLid ? this.account.lidJid : this.account.jid;
    events.add({
      type: 'typing',
      number: this.account.number,
      device: this.device.id,
      to: person?.number ?? to,
      state,
    });
    const attributes = group ? { from: to, participant: from } : { from };
    for (const { devices } of listeners) {
      for (const { session } of devices.values()) session?.send(stanza('chatstate', attributes, node.content));
    }
  }
}
