import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren } from 'baileys';
import { z } from 'zod';
import { isGroupId, userAddress } from './address.ts';
import { ackKey } from './device-list.ts';
import { messageKey } from './messages.ts';
import type { Session } from './session.ts';
import { attribute, child, ProtocolError, stanza, timestamp } from './stanza.ts';

/** `delivered` is what has no type on the wire; `inactive` is the same of a client that nobody looks at. */
const kindSchema = z.enum([
  'delivered',
  'inactive',
  'read',
  'read-self',
  'played',
  'sender',
  'retry',
  'peer_msg',
  'hist_sync',
  'server-error',
]);

export type ReceiptKind = z.infer<typeof kindSchema>;

/** With these a device says that it has the message itself, or that it will get another copy. */
const SETTLING: readonly ReceiptKind[] = ['delivered', 'inactive', 'sender', 'peer_msg'];
/** Those that concern nobody but the account itself. */
const PRIVATE: readonly ReceiptKind[] = ['sender', 'read-self', 'peer_msg', 'hist_sync', 'server-error'];

/** Takes what a client says about messages that it got, and passes it on to who sent them. */
export function takeReceipt(session: Session, node: BinaryNode): void {
  const { device, account, network } = session;
  const { to, type, participant } = node.attrs;
  const kind = kindOf(type);
  const id = attribute(node, 'id');
  if (kind === 'retry') child(node, 'retry');
  session.send(stanza('ack', { class: 'receipt', id, from: to, participant, type }));
  // What another device of the account sent has the account itself as its author, and sometimes no address.
  const chat = to ?? (kind === 'sender' ? account.jid : attribute(node, 'to'));
  const author = isGroupId(chat) ? network.accounts.of(attribute(node, 'participant')) : network.accounts.of(chat);
  for (const each of [id, ...furtherIds(node)]) {
    const key = messageKey(network.accounts, { id: each, chat, participant });
    if (SETTLING.includes(kind)) device.inbox.settle(key);
    if (kind === 'retry') device.inbox.retried(key);
    const from = author?.number ?? chat;
    network.events.add({ type: 'receipt', number: account.number, device: device.id, id: each, from, kind });
  }
  if (!PRIVATE.includes(kind)) forward(session, node, chat, kind);
}

function kindOf(type: string | undefined): ReceiptKind {
  const kind = kindSchema.safeParse(type ?? 'delivered');
  if (!kind.success) throw new ProtocolError(`a receipt of the unknown kind ${type}`);
  return kind.data;
}

function furtherIds(node: BinaryNode): readonly string[] {
  const list = getBinaryNodeChild(node, 'list');
  return getBinaryNodeChildren(list, 'item').map((item) => attribute(item, 'id'));
}

/** To the devices of the author; a request for another copy goes to the one that sent the message. */
function forward({ device, account, network }: Session, node: BinaryNode, chat: string, kind: ReceiptKind): void {
  const inGroup = isGroupId(chat);
  const address = userAddress(inGroup ? attribute(node, 'participant') : chat);
  const author = network.accounts.at(address);
  const isOwn = author === account;
  if (!author || (isOwn && kind !== 'retry')) return;
  const me = inGroup || address.server === 'lid' ? device.lidJid : device.jid;
  const from = inGroup ? { from: chat, participant: me } : { from: me };
  const { id, type, recipient } = node.attrs;
  const attributes = { id, t: timestamp(), type, ...(isOwn && { recipient }), ...from };
  const receipt = stanza('receipt', attributes, node.content);
  const key = ackKey('receipt', receipt.attrs, receipt.attrs['from']);
  for (const target of author.devices.values()) {
    if (address.device === 0 || target.id === address.device) network.deliveries.post(target, key, receipt);
  }
}
