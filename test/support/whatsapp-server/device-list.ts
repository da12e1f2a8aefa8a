import type { BinaryNode } from 'baileys';
import type { Device } from './accounts.ts';
import type { Network } from './network.ts';
import { attribute, stanza, timestamp } from './stanza.ts';

/** The key under which a device settles a stanza that is no message: its acknowledgement names the same things. */
export function ackKey(tag: string, attrs: BinaryNode['attrs'], peer: string | undefined): string {
  return [tag, attrs['id'], peer, attrs['participant'], attrs['type']].join(' ');
}

export function postNotification(network: Network, device: Device, notification: BinaryNode): void {
  const key = ackKey('notification', notification.attrs, attribute(notification, 'from'));
  network.deliveries.post(device, key, notification);
}

/** Tells everybody else that a device has been linked or removed, so that they encrypt for it, or no longer do. */
export function announceDevice(network: Network, changed: Device, change: 'add' | 'remove'): void {
  const { account, id, jid, lidJid } = changed;
  for (const device of network.devices()) {
    if (device === changed) continue;
    for (const [from, deviceJid] of [[account.jid, jid] as const, [account.lidJid, lidJid] as const]) {
      const attributes = { id: network.nextId(), t: timestamp(), from, type: 'devices' };
      const list = stanza(change, {}, [stanza('device', { jid: deviceJid, 'key-index': id })]);
      postNotification(network, device, stanza('notification', attributes, [list]));
    }
  }
}
