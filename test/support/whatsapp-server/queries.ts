import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren } from 'baileys';
import { userAddress } from './address.ts';
import { postNotification } from './device-list.ts';
import { answerGroupQuery } from './group-queries.ts';
import type { Network } from './network.ts';
import { FEW_PREKEYS, prekeyNotice } from './prekeys.ts';
import type { Session } from './session.ts';
import { attribute, child, failure, firstChild, ProtocolError, result, stanza, timestamp } from './stanza.ts';
import { lookUp } from './usync.ts';

/** Answers a query of a device that is logged in. */
export function answer(session: Session, query: BinaryNode): void {
  const { type } = query.attrs;
  if (type === 'result' || type === 'error') return;
  const { network } = session;
  switch (attribute(query, 'xmlns')) {
    case 'encrypt':
      session.send(answerKeyQuery(session, query));
      return;
    case 'passive':
      session.send(result(query));
      return session.beginCatchingUp();
    case 'usync':
      session.send(result(query, lookUp(network.accounts, query)));
      return;
    case 'w:g2':
      session.send(answerGroupQuery(session, query));
      return;
    case 'w:m':
      session.send(result(query, network.media.connectionNode()));
      return;
    case 'md':
      return removeDevice(session, query);
    default:
      session.send(answerRest(query));
  }
}

function answerKeyQuery(session: Session, query: BinaryNode): BinaryNode {
  const { account, device, network } = session;
  const { keys } = device;
  if (query.attrs['type'] === 'set' && getBinaryNodeChild(query, 'list')) {
    keys.upload(query);
    network.events.add({ type: 'prekeys', number: account.number, device: device.id, stored: keys.count });
    return result(query);
  }
  const asked = firstChild(query);
  switch (asked.tag) {
    case 'count':
      return result(query, stanza('count', { value: keys.count }));
    case 'digest':
      return keys.count > 0 ? result(query, stanza('digest')) : failure(query, 404, 'item-not-found');
    case 'rotate':
      keys.rotate(child(asked, 'skey'));
      return result(query);
    case 'key': {
      const users = getBinaryNodeChildren(asked, 'user').map((user) => bundleOf(network, attribute(user, 'jid')));
      return result(query, stanza('list', {}, users));
    }
    default:
      throw new ProtocolError(`nobody asks for the <${asked.tag}> of keys`);
  }
}

function bundleOf(network: Network, jid: string): BinaryNode {
  const address = userAddress(jid);
  const account = network.accounts.at(address);
  const keys = account?.keysOf(address.device);
  if (!account || !keys) return stanza('user', { jid }, [stanza('error', { code: 404, text: 'item-not-found' })]);
  const bundle = stanza('user', { jid }, keys.take());
  const device = account.devices.get(address.device);
  if (device?.session && device.keys.count < FEW_PREKEYS) {
    postNotification(network, device, prekeyNotice(network.nextId(), device.keys.count, timestamp()));
  }
  return bundle;
}

/** The device logs itself out for good. */
function removeDevice({ device, network }: Session, query: BinaryNode): void {
  child(query, 'remove-companion-device');
  network.unlink(device);
}

/** What clients ask at the start and do not need more than an empty answer to. */
function answerRest(query: BinaryNode): BinaryNode {
  switch (attribute(query, 'xmlns')) {
    case 'privacy':
      return query.attrs['type'] === 'get'
        ? result(query, stanza('privacy', {}, [stanza('category', { name: 'readreceipts', value: 'all' })]))
        : result(query);
    case 'abt':
      return result(query, stanza('props', { hash: 'local' }));
    case 'blocklist':
      return result(query, stanza('list'));
    case 'w:sync:app:state': {
      const collections = getBinaryNodeChildren(child(query, 'sync'), 'collection').map(({ attrs }) =>
        stanza('collection', { name: attrs['name'], version: attrs['version'] ?? 0 }),
      );
      return result(query, stanza('sync', {}, collections));
    }
    case 'w:p':
    case 'w:stats':
    case 'urn:xmpp:whatsapp:dirty':
      return result(query);
    default:
      return failure(query, 501, 'feature-not-implemented');
  }
}
