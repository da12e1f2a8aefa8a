import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren } from 'baileys';
import type { Account, Accounts } from './accounts.ts';
import { userAddress } from './address.ts';
import { bytesOf, child, childrenOf, ProtocolError, stanza } from './stanza.ts';

/** Answers who of a list of people there is, with which devices, under which other id. */
export function lookUp(accounts: Accounts, query: BinaryNode): BinaryNode {
  const usync = child(query, 'usync');
  const wanted = childrenOf(child(usync, 'query')).map(({ tag }) => tag);
  const users = getBinaryNodeChildren(child(usync, 'list'), 'user').map((user) => describe(accounts, user, wanted));
  const { sid, mode, context } = usync.attrs;
  const attributes = { sid, mode, context, index: 0, last: 'true' };
  return stanza('usync', attributes, [stanza('result'), stanza('list', {}, users)]);
}

function describe(accounts: Accounts, user: BinaryNode, wanted: readonly string[]): BinaryNode {
  const contact = getBinaryNodeChild(user, 'contact');
  const jid = user.attrs['jid'] ?? jidOfPhone(contact);
  const account = accounts.of(jid);
  const content: BinaryNode[] = [];
  if (wanted.includes('contact')) content.push(stanza('contact', { type: account ? 'in' : 'out' }));
  if (wanted.includes('devices')) content.push(devicesNode(account));
  if (wanted.includes('lid') && account && userAddress(jid).server !== 'lid') {
    content.push(stanza('lid', { val: account.lidJid }));
  }
  return stanza('user', { jid }, content);
}

function devicesNode(account: Account | undefined): BinaryNode {
  const linked = [...(account?.devices.keys() ?? [])].map((id) => stanza('device', { id, 'key-index': id }));
  return stanza('devices', {}, [stanza('device-list', {}, account ? [stanza('device', { id: 0 }), ...linked] : [])]);
}

/** Of a number as people write it. */
function jidOfPhone(contact: BinaryNode | undefined): string {
  if (!contact) throw new ProtocolError('nobody is asked for');
  const phone = typeof contact.content === 'string' ? contact.content : bytesOf(contact).toString();
  return `${phone.replace(/\D/g, '')}@s.whatsapp.net`;
}
