import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren } from 'baileys';
import type { Accounts, Device } from './accounts.ts';
import { isGroupId, userAddress } from './address.ts';
import type { Group } from './groups.ts';
import type { Session } from './session.ts';
import { attribute, bytesOf, child, firstChild, ProtocolError, stanza, timestamp } from './stanza.ts';

/** What a message is encrypted with: a new session, one that there is, or the sender's key of a group. */
const CIPHERS = ['pkmsg', 'msg', 'skmsg'];
const NOT_FOUND = 404;
const FORBIDDEN = 403;

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Takes what a client wants to have delivered. It is ciphertext, one copy for each device; the server reads none. */
export function takeMessage(session: Session, node: BinaryNode): void {
  const { network, account, device } = session;
  const [id, to] = [attribute(node, 'id'), attribute(node, 'to')];
  verify(node);
  const person = isGroupId(to) ? undefined : network.accounts.of(to);
  network.events.add({
    type: 'message',
    number: account.number,
    device: device.id,
    id,
    to: person?.number ?? to.replace(/@(?!g\.us).*/, ''),
    kind: attribute(node, 'type'),
    isResend: isResend(node),
  });
  const { isAcknowledged, isDelivered, error } = network.messageFaults.next();
  const refusal = error ?? reasonToRefuse(session, to);
  if (isAcknowledged) acknowledge(session, node, refusal);
  if (isDelivered && refusal === null) deliver(session, node);
}

/** Under which a device settles a message: one author may use an id once in a chat. */
export function messageKey(
  accounts: Accounts,
  message: { readonly id: string; readonly chat: string; readonly participant?: string | undefined },
): string {
  const isGroup = isGroupId(message.chat);
  if (isGroup && !message.participant) throw new ProtocolError('a message in a group, but nobody sent it');
  const author = accounts.of(isGroup && message.participant ? message.participant : message.chat);
  return ['message', message.id, isGroup ? message.chat : '', author?.number].join(' ');
}

function verify(node: BinaryNode): void {
  const direct = getBinaryNodeChildren(node, 'enc');
  const copies = copiesIn(node).map(({ ciphertext }) => ciphertext);
  for (const enc of [...direct, ...copies]) {
    if (enc.tag !== 'enc' || !CIPHERS.includes(attribute(enc, 'type')) || attribute(enc, 'v') !== '2') {
      throw new ProtocolError('a message in an unknown encryption');
    }
    if (bytesOf(enc).length === 0) throw new ProtocolError('an empty message');
  }
  const startsSession = [...direct, ...copies].some(({ attrs }) => attrs['type'] === 'pkmsg');
  if (startsSession && !getBinaryNodeChild(node, 'device-identity')) {
    throw new ProtocolError('a new session without the identity of the device');
  }
}

interface Copy {
  readonly jid: string;
  readonly ciphertext: BinaryNode;
}

function copiesIn(node: BinaryNode): readonly Copy[] {
  const participants = getBinaryNodeChild(node, 'participants');
  return getBinaryNodeChildren(participants, 'to').map((to) => ({
    jid: attribute(to, 'jid'),
    ciphertext: firstChild(to),
  }));
}

/** Meant for one device that could not read it before. */
function isResend({ attrs }: BinaryNode): boolean {
  return attrs['device_fanout'] === 'false' || attrs['participant'] !== undefined;
}

function reasonToRefuse({ network, account }: Session, to: string): number | null {
  if (!isGroupId(to)) return null;
  const group = network.groups.get(to);
  if (!group) return NOT_FOUND;
  return group.has(account) ? null : FORBIDDEN;
}

function acknowledge(session: Session, node: BinaryNode, error: number | null): void {
  const { id, to: from } = node.attrs;
  const ack = stanza('ack', { class: 'message', id, from, t: timestamp(), error: error ?? undefined });
  if (!session.send(ack)) return;
  const { account, device, network } = session;
  network.events.add({
    type: 'acknowledged',
    number: account.number,
    device: device.id,
    id: attribute(node, 'id'),
    error,
  });
}

function deliver(session: Session, node: BinaryNode): void {
  const group = session.network.groups.get(attribute(node, 'to'));
  if (group) deliverToGroup(session, node, group);
  else deliverToPerson(session, node);
}

function deliverToPerson(session: Session, node: BinaryNode): void {
  const to = attribute(node, 'to');
  const copies = getBinaryNodeChild(node, 'participants')
    ? copiesIn(node)
    : [{ jid: to, ciphertext: child(node, 'enc') }];
  const chat = node.attrs['recipient'] ?? to;
  const usesLid = userAddress(to).server === 'lid';
  const { device, account, network } = session;
  const from = usesLid
    ? { from: device.lidJid, sender_pn: account.jid, addressing_mode: 'lid' }
    : { from: device.jid, sender_lid: account.lidJid };
  for (const { jid, ciphertext } of copies) {
    const target = deviceAt(network.accounts, jid);
    if (!target || target === device) continue;
    const envelope = target.account === account ? ownCopy(network.accounts, from.from, chat) : from;
    post(session, target, node, [ciphertext], envelope);
  }
}

/** The envelope of what another device of the same account sent. */
function ownCopy(accounts: Accounts, from: string, chat: string): Attributes {
  const peer = accounts.of(chat);
  const usesLid = userAddress(chat).server === 'lid';
  const other = usesLid
    ? { peer_recipient_pn: peer?.jid, addressing_mode: 'lid' }
    : { peer_recipient_lid: peer?.lidJid };
  return { from, recipient: chat, ...other };
}

function deliverToGroup(session: Session, node: BinaryNode, group: Group): void {
  const { device, account, network } = session;
  const direct = getBinaryNodeChildren(node, 'enc');
  const { participant } = node.attrs;
  const envelope = {
    from: group.id,
    participant: device.lidJid,
    participant_pn: account.jid,
    addressing_mode: 'lid',
  };
  if (participant) {
    const target = deviceAt(network.accounts, participant);
    if (target && group.has(target.account)) post(session, target, node, direct, envelope);
    return;
  }
  const keys = new Map(copiesIn(node).map(({ jid, ciphertext }) => [deviceAt(network.accounts, jid), ciphertext]));
  for (const target of network.devices(group)) {
    if (target === device) continue;
    const key = keys.get(target);
    post(session, target, node, key ? [key, ...direct] : direct, envelope);
  }
}

function post(
  { network, account }: Session,
  target: Device,
  node: BinaryNode,
  ciphertexts: readonly BinaryNode[],
  envelope: Attributes,
): void {
  const id = attribute(node, 'id');
  const startsSession = ciphertexts.some(({ attrs }) => attrs['type'] === 'pkmsg');
  const identity = startsSession ? [child(node, 'device-identity')] : [];
  const attributes = { id, type: node.attrs['type'], t: timestamp(), notify: account.name ?? undefined };
  const { edit } = node.attrs;
  const message = stanza('message', { ...attributes, edit, ...envelope }, [...ciphertexts, ...identity]);
  const { from: chat, participant } = message.attrs;
  const key = messageKey(network.accounts, { id, chat: chat ?? '', participant });
  target.lastMessage = { key, stanza: message };
  network.deliveries.post(target, key, message);
}

/** The linked device at an address, if it is one: a phone reads nothing. */
function deviceAt(accounts: Accounts, jid: string): Device | undefined {
  const address = userAddress(jid);
  return accounts.at(address)?.devices.get(address.device);
}
