import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { AnyMessageContent, WAMessage } from 'baileys';
import type { ChatOut } from '../../../domain/chat.ts';
import type { ChatDeparture } from '../../channel.ts';
import { splitText } from '../split-text.ts';
import { arrivalId } from './arrival.ts';
import type { Baileys } from './baileys.ts';
import type { WhatsAppSessions } from './sessions.ts';

/** The longest text of one message, in UTF-16 code units: longer ones are shown folded, and hard to read on a phone. */
const MAX_TEXT = 4_000;
/** The longest text under a picture or a document. */
const MAX_CAPTION = 1_000;

/** One message of WhatsApp; a departure may need several. */
export interface Outgoing {
  /** WhatsApp's id of it: the same for the same departure, so that a recipient who has it already shows it once. */
  readonly stanza: string;
  /** The text of it in which people can be mentioned. */
  readonly mentioning: string;
  /** `mentions`: the addresses of those who are. */
  readonly content: (mentions: string[]) => AnyMessageContent;
  readonly quoted: WAMessage | null;
}

/** What a departure says, in messages of WhatsApp. Null when it is a reaction to a message that is known no more. */
export function outgoingOf(baileys: Baileys, sessions: WhatsAppSessions, departure: ChatDeparture): Outgoing[] | null {
  const { chat } = departure;
  const quoted = quotedOf(baileys, sessions, departure);
  if (chat.reaction !== undefined) {
    if (!quoted) return null;
    const react = { text: chat.reaction, key: quoted.key };
    return [{ stanza: stanzaOf(departure.id, 0), mentioning: '', content: () => ({ react }), quoted: null }];
  }
  return contentsOf(chat).map((content, part) => ({
    stanza: stanzaOf(departure.id, part),
    ...content,
    quoted: part === 0 ? quoted : null,
  }));
}

/** Looks like the ids that WhatsApp Web gives. */
export function stanzaOf(departure: string, part: number): string {
  const name = part === 0 ? departure : `${departure}:${part}`;
  return `3EB0${createHash('sha256').update(name).digest('hex').slice(0, 18).toUpperCase()}`;
}

function contentsOf({ text, file, verbatim = false }: ChatOut): Pick<Outgoing, 'mentioning' | 'content'>[] {
  const hasCaption = file !== undefined && !file.mime.startsWith('audio/') && text.length <= MAX_CAPTION;
  const pieces = verbatim ? [text] : splitText(text, MAX_TEXT);
  const texts = text === '' || hasCaption ? [] : pieces;
  const caption = hasCaption ? text : '';
  const filed = file && {
    mentioning: caption,
    content: (mentions: string[]) => fileContent(file, caption, mentions),
  };
  return [
    ...(filed ? [filed] : []),
    ...texts.map((piece) => ({
      mentioning: verbatim ? '' : piece,
      content: (mentions: string[]) => ({ text: piece, linkPreview: null, mentions }),
    })),
  ];
}

function fileContent(
  { path, mime, name }: NonNullable<ChatOut['file']>,
  caption: string,
  mentions: string[],
): AnyMessageContent {
  const media = { stream: createReadStream(path) };
  const [kind] = mime.split('/');
  const captioned = caption === '' ? {} : { caption, mentions };
  // Given a thumbnail, if an empty one, the library does not start other programs to make one.
  if (kind === 'image') return { image: media, mimetype: mime, jpegThumbnail: '', ...captioned };
  if (kind === 'video') return { video: media, mimetype: mime, jpegThumbnail: '', ...captioned };
  if (kind === 'audio') return { audio: media, mimetype: mime, seconds: 0 };
  return { document: media, mimetype: mime, fileName: name ?? 'file', ...captioned };
}

/** The message that a departure answers, or puts a reaction to: somebody else's, or one of ours. */
function quotedOf(baileys: Baileys, sessions: WhatsAppSessions, { account, chat }: ChatDeparture): WAMessage | null {
  if (chat.replyTo === undefined) return null;
  const received = sessions.received(chat.replyTo);
  if (received) {
    const { jid, participant, stanza, quote } = received;
    const key = { remoteJid: jid, id: stanza, fromMe: false, ...(participant ? { participant } : {}) };
    return { key, message: { conversation: quote } };
  }
  const stanza = chat.replyTo.slice(chat.replyTo.lastIndexOf(':') + 1);
  const sent = chat.replyTo === arrivalId(account, chat.peer.id, stanza) ? sessions.sent(account, stanza) : null;
  if (!sent) return null;
  const key = { remoteJid: sent.jid, id: stanza, fromMe: true };
  return { key, message: baileys.proto.Message.decode(sent.content) };
}
