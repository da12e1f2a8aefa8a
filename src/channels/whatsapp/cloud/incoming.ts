import { isForeignId } from '../../../domain/addresses.ts';
import type { ChatIn, Peer } from '../../../domain/chat.ts';
import { deriveId } from '../../../lib/ids.ts';
import { contentOf, type MessageContent } from './message-content.ts';
import { digitsOf, type WebhookChange, type WebhookContact, type WebhookMessage } from './webhook.ts';

/** A message of a webhook, as it goes to the gate and to the agents. */
export interface Incoming {
  readonly id: string;
  readonly chat: ChatIn;
  /** WhatsApp's id of it. */
  readonly message: string;
  /** Epoch milliseconds, by the clock of who wrote it; null when it is not said. */
  readonly at: number | null;
  /** Of the person, in a chat with them alone: `+` and digits. */
  readonly phone: string | null;
  /** The names by which the chat can be asked for. None for a reaction: nobody says that it opens the 24 hours. */
  readonly chats: readonly string[];
}

export interface Addressee {
  readonly channel: string;
  readonly account: string;
  /** Our id of the message that the account has sent and that has this id of WhatsApp; null when it has sent none. */
  departureOf(message: string): string | null;
}

interface Person {
  /** The business-scoped user id when WhatsApp tells it, which stays when the number is hidden; else the number. */
  readonly id: string;
  /** `+` and digits. */
  readonly phone: string | null;
  readonly name: string | null;
}

const PHONE_NUMBER = /^\+?\d{1,20}$/;
/** Begins an id that stands for one of WhatsApp's that is too long, or not printable. */
const STAND_IN = 'wamid_';

/** Our id of a message of WhatsApp: its own, where that can be one. */
const platformIdOf = (message: string): string =>
  isForeignId(message) && !message.startsWith(STAND_IN) ? message : deriveId('wamid', message);

/** WhatsApp's id of a message, from ours; null when ours only stands for it. */
export const whatsAppIdOf = (platformId: string): string | null =>
  platformId.startsWith(STAND_IN) ? null : platformId;

/** `nothing-said`: there is nothing in it for an agent; `unanswerable`: it does not say from whom, or from where, it comes. */
export function incomingOf(
  message: WebhookMessage,
  change: WebhookChange,
  addressee: Addressee,
): Incoming | 'nothing-said' | 'unanswerable' {
  const person = personOf(message, change.contacts);
  const peer = person && peerOf(message, person);
  if (person === null || peer === null) return 'unanswerable';
  if (person.phone !== null && digitsOf(person.phone) === change.ownNumber) return 'nothing-said';
  const content = contentOf(message);
  if (content === null) return 'nothing-said';
  const reaction = content.reaction && reactionIn(content.reaction, addressee);
  if (reaction === null) return 'nothing-said';
  const at = message.timestamp === null ? null : message.timestamp * 1000;
  const chat: ChatIn = {
    channel: addressee.channel,
    account: addressee.account,
    peer,
    sender: senderOf(person),
    text: content.text,
    ...(reaction ? { reaction } : replyOf(message)),
    ...(peer.kind === 'group' && { addressed: isAddressed(message, content, change.ownNumber, addressee) }),
    ...(content.media !== undefined && { media: [...content.media] }),
    ...(at !== null && { at }),
  };
  const phone = peer.kind === 'dm' ? person.phone : null;
  return {
    id: platformIdOf(message.id),
    chat,
    message: message.id,
    at,
    phone,
    chats: reaction ? [] : [...new Set([peer.id, ...(phone === null ? [] : [phone])])],
  };
}

function personOf(message: WebhookMessage, contacts: readonly WebhookContact[]): Person | null {
  const { from, from_user_id } = message;
  const contact = contacts.length === 1 ? contacts[0] : contacts.find((other) => isContactOf(message, other));
  const number = from ?? contact?.wa_id ?? '';
  const phone = PHONE_NUMBER.test(number) ? `+${digitsOf(number)}` : null;
  const id = from_user_id ?? contact?.user_id ?? phone;
  if (id === null || !isForeignId(id)) return null;
  return { id, phone, name: contact?.profile?.name ?? null };
}

const isContactOf = ({ from, from_user_id }: WebhookMessage, { wa_id, user_id }: WebhookContact): boolean =>
  (from !== undefined && from === wa_id) || (from_user_id !== undefined && from_user_id === user_id);

function senderOf({ id, phone, name }: Person): ChatIn['sender'] {
  return {
    id,
    ...(name !== null && { name }),
    ...(phone !== null && phone !== id && { aliases: [phone] }),
  };
}

function peerOf({ group_id }: WebhookMessage, { id }: Person): Peer | null {
  if (group_id === undefined) return { kind: 'dm', id };
  return isForeignId(group_id) ? { kind: 'group', id: group_id } : null;
}

function replyOf({ context }: WebhookMessage): { replyTo?: string } {
  return context?.id === undefined ? {} : { replyTo: platformIdOf(context.id) };
}

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
