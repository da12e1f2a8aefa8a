import { type BinaryNode, getBinaryNodeChildren } from 'baileys';
import type { Account, Accounts } from './accounts.ts';
import { postNotification } from './device-list.ts';
import { type Group, participantNode } from './groups.ts';
import type { Network } from './network.ts';
import type { Session } from './session.ts';
import { attribute, bytesOf, child, failure, firstChild, ProtocolError, result, stanza, timestamp } from './stanza.ts';

/** Answers what devices ask about groups, and does what they want with them. */
export function answerGroupQuery(session: Session, query: BinaryNode): BinaryNode {
  const { network, account } = session;
  const asked = firstChild(query);
  if (asked.tag === 'create') {
    const members = accountsIn(network.accounts, asked);
    return result(query, createGroup(network, attribute(asked, 'subject'), account, members).node());
  }
  if (asked.tag === 'participating') {
    return result(
      query,
      stanza(
        'groups',
        {},
        network.groups.of(account).map((group) => group.node()),
      ),
    );
  }
  if (asked.tag === 'leave') return leave(session, query, asked);
  const group = network.groups.get(attribute(query, 'to'));
  if (!group) return failure(query, 404, 'item-not-found');
  if (!group.has(account)) return failure(query, 403, 'forbidden');
  if (asked.tag === 'query') return result(query, group.node());
  if (!group.isAdmin(account)) return failure(query, 403, 'forbidden');
  return change(session, query, group);
}

/** With the creator as its admin. All members are told. */
export function createGroup(network: Network, subject: string, creator: Account, members: readonly Account[]): Group {
  const group = network.groups.create(subject, creator);
  for (const member of members) group.add(member);
  announce(
    network,
    group,
    group.members,
    stanza('create', { type: 'new', key: network.nextId() }, [group.node()]),
    creator,
  );
  return group;
}

export function addMembers(network: Network, group: Group, accounts: readonly Account[], by = group.creator): void {
  for (const account of accounts) group.add(account);
  announce(
    network,
    group,
    group.members,
    stanza(
      'add',
      {},
      accounts.map((account) => participantNode(account)),
    ),
    by,
  );
}

export function removeMembers(network: Network, group: Group, accounts: readonly Account[], by = group.creator): void {
  const told = group.members;
  for (const account of accounts) group.remove(account);
  announce(
    network,
    group,
    told,
    stanza(
      'remove',
      {},
      accounts.map((account) => participantNode(account)),
    ),
    by,
  );
}

function leave({ network, account }: Session, query: BinaryNode, asked: BinaryNode): BinaryNode {
  for (const { attrs } of getBinaryNodeChildren(asked, 'group')) {
    const group = network.groups.get(attrs['id'] ?? '');
    if (group?.has(account)) removeMembers(network, group, [account], account);
  }
  return result(query);
}

function change({ network, account }: Session, query: BinaryNode, group: Group): BinaryNode {
  const asked = firstChild(query);
  switch (asked.tag) {
    case 'add':
      addMembers(network, group, accountsIn(network.accounts, asked), account);
      return result(query, asked);
    case 'remove':
      removeMembers(network, group, accountsIn(network.accounts, asked), account);
      return result(query, asked);
    case 'subject':
      group.subject = bytesOf(child(query, 'subject')).toString();
      announce(network, group, group.members, stanza('subject', { subject: group.subject }), account);
      return result(query);
    default:
      return failure(query, 501, 'feature-not-implemented');
  }
}

function accountsIn(accounts: Accounts, node: BinaryNode): readonly Account[] {
  return getBinaryNodeChildren(node, 'participant').map((participant) => {
    const account = accounts.of(attribute(participant, 'jid'));
    if (!account) throw new ProtocolError('somebody who is not on WhatsApp, in a group');
    return account;
  });
}

function announce(network: Network, group: Group, told: readonly Account[], content: BinaryNode, by: Account): void {
  const id = network.nextId();
  const sender = { from: group.id, participant: by.lidJid, participant_pn: by.jid, addressing_mode: 'lid' };
  const notification = stanza('notification', { id, t: timestamp(), type: 'w:gp2', ...sender }, [content]);
  for (const { devices } of told) {
    for (const device of devices.values()) postNotification(network, device, notification);
  }
}
