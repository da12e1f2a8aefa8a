import { downloadMediaMessage, normalizeMessageContent, type proto, type WAMessage } from 'baileys';

/** A message as a person sees it. People are numbers, whichever way they were addressed. */
export interface ReceivedMessage {
  readonly id: string;
  readonly from: string;
  /** The number of the other person, or the id of a group. */
  readonly chat: string;
  /** Empty if there is none; the caption of an image or a document. */
  readonly text: string;
  /** The message that it answers. */
  readonly quotedId: string | null;
  /** The numbers of those who are mentioned. */
  readonly mentions: readonly string[];
  /** An emoji at another message; empty when it was taken back. */
  readonly reaction: { readonly to: string; readonly emoji: string } | null;
  /** The earlier message that now has this text. */
  readonly edits: string | null;
  /** The earlier message that is no more. */
  readonly deletes: string | null;
  readonly media: ReceivedMedia | null;
  /** Whether it came while the person was away. */
  readonly isOffline: boolean;
  readonly raw: WAMessage;
}

export interface ReceivedMedia {
  readonly kind: 'image' | 'video' | 'audio' | 'document' | 'sticker';
  readonly mimetype: string;
  readonly fileName: string | null;
  /** Downloads and decrypts it. */
  read(): Promise<Buffer>;
}

/** Undefined when there is nothing to see in it. `numberOf` knows the number of a JID of either kind. */
export function receivedMessage(
  raw: WAMessage,
  options: { readonly isOffline: boolean; readonly me: string; readonly numberOf: (jid: string) => string },
): ReceivedMessage | undefined {
  const content = normalizeMessageContent(raw.message);
  const { id, remoteJid, participant, fromMe } = raw.key;
  if (!content || !id || !remoteJid) return undefined;
  const { isOffline, me, numberOf } = options;
  const chat = numberOf(remoteJid);
  const { protocolMessage, reactionMessage } = content;
  const change = protocolMessage?.key?.id ?? null;
  const edited = protocolMessage?.editedMessage;
  const context = contextOf(content);
  return {
    id,
    from: fromMe ? me : numberOf(participant || remoteJid),
    chat,
    text: textOf(edited ?? content),
    quotedId: context?.stanzaId ?? null,
    mentions: (context?.mentionedJid ?? []).map(numberOf),
    reaction: reactionMessage ? { to: reactionMessage.key?.id ?? '', emoji: reactionMessage.text ?? '' } : null,
    edits: edited ? change : null,
    deletes: edited ? null : change,
    media: mediaOf(raw, content),
    isOffline,
    raw,
  };
}

function textOf({
  conversation,
  extendedTextMessage,
  imageMessage,
  videoMessage,
  documentMessage,
}: proto.IMessage): string {
  const captioned = imageMessage ?? videoMessage ?? documentMessage;
  return conversation ?? extendedTextMessage?.text ?? captioned?.caption ?? '';
}

function contextOf(content: proto.IMessage): proto.IContextInfo | null | undefined {
  const { extendedTextMessage, imageMessage, videoMessage, audioMessage, documentMessage } = content;
  return (extendedTextMessage ?? imageMessage ?? videoMessage ?? audioMessage ?? documentMessage)?.contextInfo;
}

function mediaOf(raw: WAMessage, content: proto.IMessage): ReceivedMedia | null {
  const { imageMessage, videoMessage, audioMessage, documentMessage, stickerMessage } = content;
  const kinds = [
    ['image', imageMessage],
    ['video', videoMessage],
    ['audio', audioMessage],
    ['document', documentMessage],
    ['sticker', stickerMessage],
  ] as const;
  for (const [kind, media] of kinds) {
    if (!media) continue;
    const fileName = documentMessage?.fileName ?? null;
    return { kind, mimetype: media.mimetype ?? '', fileName, read: () => downloadMediaMessage(raw, 'buffer', {}) };
  }
  return null;
}
