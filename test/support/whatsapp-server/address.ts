import { jidDecode } from 'baileys';
import { ProtocolError } from './stanza.ts';

/** A JID taken apart. Device 0 is the phone itself, the others are linked to it. */
export interface Address {
  readonly user: string;
  readonly server: 's.whatsapp.net' | 'lid';
  readonly device: number;
}

export function userAddress(jid: string): Address {
  const decoded = jidDecode(jid);
  const server = decoded?.server;
  if (!decoded || (server !== 's.whatsapp.net' && server !== 'lid') || !/^\d+$/.test(decoded.user)) {
    throw new ProtocolError(`not the address of a person: ${jid}`);
  }
  const { user, device = 0 } = decoded;
  if (!Number.isInteger(device)) throw new ProtocolError(`not the address of a device: ${jid}`);
  return { user, server, device };
}

export function isGroupId(jid: string): boolean {
  return jid.endsWith('@g.us');
}
