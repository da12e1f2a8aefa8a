import type { ChatIn } from '../../../domain/chat.ts';
import type { Baileys } from './baileys.ts';
import type { Content } from './content.ts';
import { idsOf, type PersonIds, type Self } from './identity.ts';
import type { WhatsAppSessions } from './sessions.ts';

/** What is known of those who are spoken of in a chat. */
export interface Company {
  readonly baileys: Baileys;
  readonly sessions: Pick<WhatsAppSessions, 'person'>;
  readonly self: Self;
  /** What those are called who answer there from the account. */
  readonly agents: readonly string[];
  /** Who is in the group, as far as WhatsApp says. */
  readonly members: readonly PersonIds[];
}

/** In UTF-16 code units. */
const LONGEST_QUOTE = 1_000;

/** How somebody is mentioned in a text. */
const MENTION = /@(\d{5,})/g;

/** Whether an address is one of the account, by its number or its hidden id, whichever of its devices has it. */
export function isSelf(baileys: Baileys, self: Self, jid: string | null | undefined): boolean {
  const own = idsOf(baileys, self.id, self.lid);
  const { lid, phone } = idsOf(baileys, jid);
  return (lid !== null && lid === own.lid) || (phone !== null && phone === own.phone);
}

/** What the ids in a text stand for, for those who are mentioned by them. None of whom nothing but a hidden id is known. */
export function mentionsIn(text: string, jids: readonly string[], company: Company): NonNullable<ChatIn['mentions']> {
  const written = new Set([...text.matchAll(MENTION)].map(([, id]) => id));
  const mentioned = jids.flatMap((jid) => {
    const user = company.baileys.jidDecode(jid)?.user ?? '';
    const names = written.has(user) ? namesOf(jid, company) : [];
    return names.length > 0 ? [[user, names.map(withoutPlus).join(' @')] as const] : [];
  });
  return Object.fromEntries(mentioned);
}

/** What a message answers, in words; null where WhatsApp does not say. */
export function quoteIn({ author, text }: NonNullable<Content['quoted']>, company: Company): ChatIn['quoted'] | null {
  if (text === null) return null;
  const nameOf = (id: string): string | undefined =>
    [`${id}@lid`, `${id}@s.whatsapp.net`].flatMap((jid) => namesOf(jid, company))[0];
  // Who is mentioned in it is not told once more.
  const said = text
    .slice(0, LONGEST_QUOTE)
    .toWellFormed()
    .replaceAll(MENTION, (_, id: string) => `@${withoutPlus(nameOf(id) ?? id)}`);
  const names = author === null ? [] : namesOf(author, company);
  // Of several agents with one number, each says in its words which it is.
  const [sender] = names.length === 1 ? names : [];
  return { text: said, ...(sender === undefined ? {} : { sender }) };
}

/** What somebody is called: several names where several agents have the number, none where nothing but a hidden id is known. */
function namesOf(jid: string, { baileys, sessions, self, agents, members }: Company): readonly string[] {
  if (agents.length > 0 && isSelf(baileys, self, jid)) return agents;
  const { lid, phone } = idsOf(baileys, jid);
  const known = sessions.person(lid, phone);
  const member = lid === null ? undefined : members.find((one) => one.lid === lid);
  const name = known?.name ?? phone ?? known?.phone ?? member?.phone ?? null;
  return name === null ? [] : [name];
}

/** People mention each other by numbers without it. */
const withoutPlus = (name: string): string => name.replace(/^\+(?=\d+$)/, '');
