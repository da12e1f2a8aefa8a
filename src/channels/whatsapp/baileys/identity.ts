import type { GroupMetadata } from 'baileys';
import type { Baileys } from './baileys.ts';
import type { Person, WhatsAppSessions } from './sessions.ts';

/** Who the device belongs to, by both of its addresses. */
export interface Self {
  readonly id: string;
  readonly lid: string | null;
}

/** The two ids of a person, as far as they are known. */
export interface PersonIds {
  /** `<digits>@lid`. */
  readonly lid: string | null;
  /** `+<digits>`. */
  readonly phone: string | null;
}

const LID_SERVERS: readonly string[] = ['lid', 'hosted.lid'];
const PHONE_SERVERS: readonly string[] = ['s.whatsapp.net', 'c.us', 'hosted'];

/** The ids in WhatsApp's addresses (JIDs) of one person, whose device numbers do not matter. */
export function idsOf({ jidDecode }: Baileys, ...jids: readonly (string | null | undefined)[]): PersonIds {
  const decoded = jids.map((jid) => jidDecode(jid ?? undefined));
  const userAt = (servers: readonly string[]): string | null =>
    decoded.find((jid) => jid !== undefined && servers.includes(jid.server))?.user ?? null;
  const lid = userAt(LID_SERVERS);
  const phone = userAt(PHONE_SERVERS);
  return { lid: lid === null ? null : `${lid}@lid`, phone: phone === null ? null : `+${phone}` };
}

/** Who is in a group. */
export const membersOf = (baileys: Baileys, { participants }: GroupMetadata): PersonIds[] =>
  participants.map(({ id, lid, phoneNumber }) => idsOf(baileys, id, lid, phoneNumber));

/** Who this is, who says to be called `name`: known already, or seen for the first time. Null when there is no id at all. */
export function identify(
  sessions: Pick<WhatsAppSessions, 'person'>,
  { lid, phone }: PersonIds,
  name: string | null,
): Person | null {
  const known = sessions.person(lid, phone);
  if (known) return { id: known.id, lid: lid ?? known.lid, phone: phone ?? known.phone, name: name ?? known.name };
  // A number that somebody else was called by does not name two people.
  const id = phone !== null && sessions.person(null, phone) === null ? phone : (lid ?? phone);
  return id === null ? null : { id, lid, phone, name };
}

/** The other ids of a person. */
export const aliasesOf = ({ id, lid, phone }: Person): string[] =>
  [lid, phone].filter((alias): alias is string => alias !== null && alias !== id);

/** Where WhatsApp delivers what is for a person or a group of this id; null when it is not an id of WhatsApp's. */
export function jidOf(id: string): string | null {
  if (/^\+\d{5,20}$/.test(id)) return `${id.slice(1)}@s.whatsapp.net`;
  return /^\d+@lid$|^[\d-]+@g\.us$/.test(id) ? id : null;
}
