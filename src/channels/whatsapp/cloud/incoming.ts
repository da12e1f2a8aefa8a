import { isForeignId } from '../../../domain/addresses.ts';
import type { ChatIn, Peer, Said } from '../../../domain/chat.ts';
import { deriveId } from '../../../lib/ids.ts';
import { aliasesOf, type Person, type PersonIds } from './identity.ts';
import { contentOf, type MessageContent } from './message-content.ts';
import { digitsOf, type WebhookChange, type WebhookContact, type WebhookMessage } from './webhook.ts';

/** A message of a webhook, as it goes to the gate and to the agents. */
export interface Incoming {
  readonly kind: 'said';
  readonly id: string;
  readonly chat: ChatIn;
  readonly person: Person;
  /** WhatsApp's id of it. */
  readonly message: string;
  /** Epoch milliseconds, by the clock of who wrote it; null when it is not said. */
  readonly at: number | null;
  /** Whether it opens the 24 hours. Nobody says that a reaction does. */
  readonly opensWindow: boolean;
}

/** `nothing-said`: there is nothing in it for an agent; `unanswerable`: it does not say from whom, or from where, it comes. */
export type Reading =
  | Incoming
  | { readonly kind: 'nothing-said'; readonly person: Person | null }
  | { readonly kind: 'unanswerable' };

export interface Addressee {
  readonly channel: string;
  readonly account: string;
  /** Who has these ids; null when there are none. */
  identify(ids: PersonIds): Person | null;
  /** Our id of the message that the account has sent and that has this id of WhatsApp; null when it has sent none. */
  departureOf(message: string): string | null;
  /** What was said by the message that has this id of WhatsApp, and this one of ours; null: not known. */
  said(message: string, platformId: string): Said | null;
}

const PHONE_NUMBER = /^\+?\d{1,20}$/;
/** It begins with a country's letters, so that none is ever taken for a number. */
const USER_ID = /^[A-Za-z][\x21-\x7e]{0,199}$/;
/** Begins an id that stands for one of WhatsApp's that is too long, or not printable. */
const STAND_IN = 'wamid_';

/** Our id of a message of WhatsApp: its own, where that can be one. */
const platformIdOf = (message: string): string =>
  isForeignId(message) && !message.startsWith(STAND_IN) ? message : deriveId('wamid', message);

/** WhatsApp's id of a message, from ours; null when ours only stands for it. */
export const whatsAppIdOf = (platformId: string): string | null =>
  platformId.startsWith(STAND_IN) ? null : platformId;

/** What a message of a webhook says, to whom and by whom. */
export function readingOf(message: WebhookMessage, change: WebhookChange, addressee: Addressee): Reading {
  // It tells of a change, and may name what somebody was called before beside what they are called now.
  if (message.type === 'system') return { kind: 'nothing-said', person: null };
  const contact = contactOf(message, change.contacts);
  const ids = idsOf(message, contact);
  if (ids.phone !== null && digitsOf(ids.phone) === change.ownNumber) return { kind: 'nothing-said', person: null };
  const person = addressee.identify(ids);
  const peer = person && peerOf(message, person);
  if (person === null || peer === null) return { kind: 'unanswerable' };
  const content = contentOf(message);
  const reaction = content?.reaction && reactionIn(content.reaction, addressee);
  if (content === null || reaction === null) return { kind: 'nothing-said', person };
  const at = message.timestamp === null ? null : message.timestamp * 1000;
  const chat: ChatIn = {
    channel: addressee.channel,
    account: addressee.account,
    peer,
    sender: senderOf(person, contact?.profile?.name),
    text: content.text,
    ...(reaction ? { reaction } : replyOf(message, peer, person, addressee)),
    ...(peer.kind === 'group' && { addressed: isAddressed(message, content, change.ownNumber, addressee) }),
    ...(content.media !== undefined && { media: [...content.media] }),
    ...(at !== null && { at }),
  };
  const id = platformIdOf(message.id);
  return { kind: 'said', id, chat, person, message: message.id, at, opensWindow: !reaction };
}

/** Ids that are told together are remembered as those of one person: a contact of which one is another does not count. */
function contactOf(
  { from, from_user_id }: WebhookMessage,
  contacts: readonly WebhookContact[],
): WebhookContact | undefined {
  return contacts.find(({ wa_id, user_id }) => {
    const differs = isOther(from, wa_id) || isOther(from_user_id, user_id);
    const isSame = (from !== undefined && from === wa_id) || (from_user_id !== undefined && from_user_id === user_id);
    return !differs && (isSame || contacts.length === 1);
  });
}

const isOther = (one: string | undefined, two: string | undefined): boolean =>
  one !== undefined && two !== undefined && one !== two;

function idsOf({ from, from_user_id }: WebhookMessage, contact: WebhookContact | undefined): PersonIds {
  const number = from ?? contact?.wa_id ?? '';
  const userId = from_user_id ?? contact?.user_id ?? '';
  return {
    userId: USER_ID.test(userId) ? userId : null,
    phone: PHONE_NUMBER.test(number) ? `+${digitsOf(number)}` : null,
  };
}

function senderOf(person: Person, name: string | undefined): ChatIn['sender'] {
  const aliases = aliasesOf(person);
  return { id: person.id, ...(name !== undefined && { name }), ...(aliases.length > 0 && { aliases }) };
}

function peerOf({ group_id }: WebhookMessage, { id }: Person): Peer | null {
  if (group_id === undefined) return { kind: 'dm', id };
  return isForeignId(group_id) ? { kind: 'group', id: group_id } : null;
}

function replyOf(
  { context }: WebhookMessage,
  peer: Peer,
  person: Person,
  { said }: Addressee,
): Pick<ChatIn, 'replyTo' | 'quoted'> {
  if (context?.id === undefined) return {};
  const replyTo = platformIdOf(context.id);
  const answered = said(context.id, replyTo);
  // The id is the choice of whoever answers: nobody hears by it what was said elsewhere.
  if (answered === null || answered.text === '' || !isSameChat(answered.peer, peer, person)) return { replyTo };
  return { replyTo, quoted: { text: answered.text, sender: answered.sender } };
}

const isSameChat = (one: Peer, other: Peer, { names }: Person): boolean =>
  one.kind === other.kind && (one.id === other.id || (one.kind === 'dm' && names.includes(one.id)));

/** What people think of each other's messages is not our matter. */
function reactionIn(
  { emoji, to }: NonNullable<MessageContent['reaction']>,
  { departureOf }: Addressee,
): NonNullable<ChatIn['reaction']> | null {
  const departure = departureOf(to);
  return departure === null ? null : { emoji, to: departure };
}

/** By an answer to what we said, or a mention: WhatsApp writes one as `@` and the number. */
function isAddressed(
  { context }: WebhookMessage,
  { text }: MessageContent,
  ownNumber: string,
  { departureOf }: Addressee,
): boolean {
  if (context?.id !== undefined && departureOf(context.id) !== null) return true;
  if (ownNumber === '') return false;
  return digitsOf(context?.from ?? '') === ownNumber || new RegExp(`@${ownNumber}(?!\\d)`).test(text);
}
