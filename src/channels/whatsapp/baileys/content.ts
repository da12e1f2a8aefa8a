import type { proto } from 'baileys';
import type { Media } from '../../../domain/chat.ts';
import type { Baileys } from './baileys.ts';
import { mediaOf } from './media.ts';

/** What somebody has said, whatever kind of message WhatsApp made of it. */
export interface Content {
  readonly text: string;
  readonly media: readonly Media[];
  /** Addresses (JIDs) of who is mentioned. */
  readonly mentions: readonly string[];
  /** What it answers; null where it answers nothing. */
  readonly quoted: Quoted | null;
}

/** WhatsApp's id of the message that is answered, the address of who wrote it, and what it says. */
interface Quoted {
  readonly stanza: string;
  readonly author: string | null;
  readonly text: string | null;
}

/** An emoji that was put to another message, and WhatsApp's id of that. */
interface Reaction {
  readonly emoji: string;
  readonly stanza: string;
}

type Message = proto.IMessage;

/** Reads a decrypted message; null when nothing is said in it: reactions, edits, deletions, keys, receipts. */
export function contentOf(baileys: Baileys, message: Message): Content | null {
  if (message.editedMessage || message.protocolMessage) return null;
  const body = baileys.normalizeMessageContent(message);
  if (!body || body.protocolMessage) return null;
  const media = mediaOf(body);
  const text = textOf(body);
  if (text === null && media === null) return null;
  const context = contextOf(body);
  return {
    text: text ?? '',
    media: media ? [media] : [],
    mentions: context?.mentionedJid ?? [],
    quoted: quotedIn(baileys, context),
  };
}

function quotedIn(baileys: Baileys, context: proto.IContextInfo | null): Quoted | null {
  if (!context?.stanzaId) return null;
  const body = baileys.normalizeMessageContent(context.quotedMessage ?? undefined);
  return { stanza: context.stanzaId, author: context.participant ?? null, text: body ? textOf(body) : null };
}

/** Reads a message that is only a reaction; null when it is none, or takes one back. */
export function reactionOf(baileys: Baileys, message: Message): Reaction | null {
  const { text: emoji, key } = baileys.normalizeMessageContent(message)?.reactionMessage ?? {};
  return emoji && key?.id ? { emoji, stanza: key.id } : null;
}

/** The words of a message; what has none is described in brackets. Null when there is nothing to say. */
function textOf(message: Message): string | null {
  return written(message) ?? chosen(message) ?? described(message);
}

function written(message: Message): string | null {
  const text =
    message.conversation ||
    message.extendedTextMessage?.text ||
    message.imageMessage?.caption ||
    message.videoMessage?.caption ||
    message.ptvMessage?.caption ||
    message.documentMessage?.caption;
  return text || null;
}

/** What was picked from buttons or a list, in the words that were on it. */
function chosen(message: Message): string | null {
  const { buttonsResponseMessage, templateButtonReplyMessage, listResponseMessage, interactiveResponseMessage } =
    message;
  const text =
    buttonsResponseMessage?.selectedDisplayText ||
    templateButtonReplyMessage?.selectedDisplayText ||
    listResponseMessage?.title ||
    listResponseMessage?.singleSelectReply?.selectedRowId ||
    interactiveResponseMessage?.body?.text;
  return text || null;
}

function described(message: Message): string | null {
  const location = message.locationMessage ?? message.liveLocationMessage;
  if (location) return place(location);
  if (message.contactMessage) return `[contact: ${contact(message.contactMessage)}]`;
  if (message.contactsArrayMessage) {
    return `[contacts: ${(message.contactsArrayMessage.contacts ?? []).map(contact).join('; ')}]`;
  }
  const poll = message.pollCreationMessage ?? message.pollCreationMessageV2 ?? message.pollCreationMessageV3;
  if (poll) return `[poll: ${[poll.name, ...(poll.options ?? []).map((option) => option.optionName)].join(' / ')}]`;
  if (message.eventMessage) return `[event: ${message.eventMessage.name ?? ''}]`;
  if (message.groupInviteMessage) return `[invitation to the group: ${message.groupInviteMessage.groupName ?? ''}]`;
  if (message.productMessage) return `[product: ${message.productMessage.product?.title ?? ''}]`;
  if (message.orderMessage) return `[order: ${message.orderMessage.orderTitle ?? ''}]`;
  return null;
}

function place({ degreesLatitude, degreesLongitude, ...rest }: proto.Message.ILocationMessage): string {
  const name = 'name' in rest && rest.name ? ` ${rest.name}` : '';
  return `[location: ${degreesLatitude ?? 0}, ${degreesLongitude ?? 0}${name}]`;
}

/** The name on a contact card and the numbers that its vCard has. */
function contact({ displayName, vcard }: proto.Message.IContactMessage): string {
  const numbers = [...(vcard ?? '').matchAll(/^(?:item\d+\.)?TEL[^:\r\n]*:([^\r\n]+)/gim)].map(([, number]) => number);
  return [displayName ?? '', ...numbers].join(', ');
}

/** What goes with a message of whatever kind: who is mentioned, and what it answers. */
function contextOf(message: Message): proto.IContextInfo | null {
  for (const part of Object.values(message) as unknown[]) {
    if (typeof part === 'object' && part !== null && 'contextInfo' in part && part.contextInfo) {
      return part.contextInfo as proto.IContextInfo;
    }
  }
  return null;
}
