import type { ChatPlace } from '../domain/chat.ts';
import { normaliseIdentity } from '../security/identity.ts';

/**
 * Who is asked to agree to what is to be done for somebody: that person, if they may, or else the first of those who may, on the
 * same account. `admins`: normalised.
 */
export function approversAmong(admins: ReadonlySet<string>): (place: ChatPlace) => readonly ChatPlace[] {
  const [first] = admins;
  return (place) => {
    if (place.peer.kind === 'dm' && admins.has(normaliseIdentity(place.peer.id))) return [place];
    return first === undefined ? [] : [{ ...place, peer: { kind: 'dm', id: first } }];
  };
}
