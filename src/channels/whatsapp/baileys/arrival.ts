import { createHash } from 'node:crypto';
import type { BinaryNode, proto, WAMessageKey } from 'baileys';
import { isForeignId } from '../../../domain/addresses.ts';
import type { ChatIn, Peer } from '../../../domain/chat.ts';
import type { Baileys } from './baileys.ts';
import { type Content, contentOf, reactionOf } from './content.ts';
import { aliasesOf, identify, idsOf, type PersonIds, type Self } from './identity.ts';
import { type Company, isSelf, mentionsIn, quoteIn } from './names.ts';
import type { Person, ReceivedMessage, WhatsAppSessions } from './sessions.ts';

/** A message on the wire, as far as it can be read without decrypting it. */
export interface Envelope {
  readonly node: BinaryNode;
  readonly key: WAMessageKey;
  /** The address of who sent it, and of the chat that it belongs to, as the decryption wants them. */
  readonly author: string;
  readonly chat: string;
  readonly peer: Peer;
  /** Of a group, as far as WhatsApp says. */
  readonly members: readonly PersonIds[];
  readonly person: Person;
  /** The platform id of the message. */
  readonly id: string;
}

/** How much of a text is kept to be shown where it is quoted, in UTF-16 code units. */
const QUOTE_LENGTH = 500;
/** More than WhatsApp lets anybody call themselves, in UTF-16 code units. */
const LONGEST_NAME = 100;

/** Reads the outside of a message; null when nobody who can be answered has sent it. */
export function envelopeOf(
  baileys: Baileys,
  sessions: WhatsAppSessions,
  account: string,
  self: Self,
  node: BinaryNode,
): Envelope | null {
  const { fullMessage, author, sender: chat } = baileys.decodeMessageNode(node, self.id, self.lid ?? '');
  const { key } = fullMessage;
  // "Status" is shown to all contacts, and nobody in particular. What comes over another list is meant for each who is on it.
  if (baileys.isJidStatusBroadcast(chat)) return null;
  const isGroup = baileys.isJidGroup(chat) === true;
  const name = node.attrs['notify']?.replaceAll(/\s+/g, ' ').trim().slice(0, LONGEST_NAME).toWellFormed() || null;
  const person = identify(sessions, idsOf(baileys, author, key.participantAlt, key.remoteJidAlt), name);
  const stanza = key.id;
  if (!person || !stanza) return null;
  const peer: Peer = isGroup ? { kind: 'group', id: chat } : { kind: 'dm', id: person.id };
  return { node, key, author, chat, peer, members: [], person, id: arrivalId(account, peer.id, stanza) };
}

/** The platform id of a message: WhatsApp's own is the sender's choice, and unique only in a chat. */
export function arrivalId(account: string, chat: string, stanza: string): string {
  const id = `${account}:${chat}:${stanza}`;
  return isForeignId(id) ? id : `${account}:${createHash('sha256').update(id).digest('hex')}`;
}

/** What the rest of Parley is told of a message; null when nothing is said in it, or it is a reaction to what others have said. */
export function chatOf(
  company: Company & { readonly sessions: WhatsAppSessions },
  account: string,
  envelope: Envelope,
  message: proto.IMessage,
): ChatIn | null {
  const { baileys, sessions, self } = company;
  const { key, peer } = envelope;
  if (key.fromMe) return null;
  const chat = chatFrom(account, envelope);
  const reaction = reactionOf(baileys, message);
  if (reaction) {
    const to = sessions.sent(account, reaction.stanza)?.departure ?? null;
    return to === null ? null : { ...chat, reaction: { emoji: reaction.emoji.toWellFormed(), to } };
  }
  const content = contentOf(baileys, message);
  if (!content) return null;
  const { text, media, quoted } = content;
  const mentions = mentionsIn(text, content.mentions, company);
  const quote = quoted && quoteIn(quoted, company);
  return {
    ...chat,
    text: text.toWellFormed(),
    ...(Object.keys(mentions).length > 0 ? { mentions } : {}),
    ...(quoted ? { replyTo: arrivalId(account, peer.id, quoted.stanza) } : {}),
    ...(quote ? { quoted: quote } : {}),
    ...(peer.kind === 'group' ? { addressed: isAddressed(baileys, self, content) } : {}),
    ...(media.length > 0 ? { media: [...media] } : {}),
  };
}

/** Where, by whom and when it was said; not yet what. */
function chatFrom(account: string, { node, peer, person }: Envelope): ChatIn {
  const { name } = person;
  const aliases = aliasesOf(person);
  const at = Number(node.attrs['t']) * 1000;
  return {
    channel: 'whatsapp',
    account,
    peer,
    sender: { id: person.id, ...(name ? { name } : {}), ...(aliases.length > 0 ? { aliases } : {}) },
    text: '',
    ...(at > 0 ? { at } : {}),
  };
}

/** By a mention, or an answer to its words. */
export function isAddressed(
  baileys: Baileys,
  self: Self,
  { mentions, quoted }: Pick<Content, 'mentions' | 'quoted'>,
): boolean {
  return [...mentions, quoted?.author].some((jid) => isSelf(baileys, self, jid));
}

/** What is kept of a message, so that a copy of it is recognised, and it can be quoted. */
export function recordOf(
  { jidNormalizedUser }: Baileys,
  { id, key, chat, author }: Envelope,
  text: string,
): ReceivedMessage {
  return {
    id,
    jid: jidNormalizedUser(chat),
    participant: chat === author ? null : jidNormalizedUser(author),
    stanza: key.id ?? '',
    quote: text.slice(0, QUOTE_LENGTH).toWellFormed(),
  };
}
