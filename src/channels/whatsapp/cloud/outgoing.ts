import type { ChatOut, Choice, Peer } from '../../../domain/chat.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import { splitText } from '../split-text.ts';
import { whatsAppIdOf } from './incoming.ts';
import { fileNameOf, type OutgoingFile, sizeOf, type Upload, uploadOf } from './media.ts';

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/messages: counted in UTF-16 code units, to be safe. */
export const MAX_TEXT = 4096;
const MAX_CAPTION = 1024;
/** The longest text above buttons. */
const MAX_BODY = 1024;
const PHONE_NUMBER = /^\+?\d+$/;

/** One message of WhatsApp: what it says, and the file that is uploaded for it. */
export interface OutgoingMessage {
  readonly content: (mediaId: string) => object;
  readonly upload: (Upload & { readonly file: OutgoingFile }) | null;
}

/** A template that was approved for the account. */
export interface Template {
  readonly name: string;
  /** Such as en_US. */
  readonly language: string;
}

/** The messages that say it, in order; or why it cannot be said. */
export async function outgoingMessages(chat: ChatOut): Promise<Result<readonly OutgoingMessage[], string>> {
  const { text, replyTo, reaction, file, choices = [], verbatim = false } = chat;
  if (verbatim && text.length > MAX_TEXT) return err(`one message has at most ${MAX_TEXT} characters`);
  const quoted = replyTo === undefined ? null : whatsAppIdOf(replyTo);
  if (reaction !== undefined) return reactionMessages(quoted, reaction);
  const messages = file === undefined ? ok(textMessages(text, choices)) : await fileMessages(file, text);
  if (!messages.ok) return messages;
  const [first, ...others] = messages.value;
  if (first === undefined) return err('there is nothing in it to send');
  return ok([quoted === null ? first : quoting(first, quoted), ...others]);
}

/** The buttons are under the last part. */
function textMessages(text: string, choices: readonly Choice[] = []): OutgoingMessage[] {
  const parts = text === '' ? [] : splitText(text, choices.length === 0 ? MAX_TEXT : MAX_BODY);
  return parts.map((body, index) =>
    plain(
      choices.length > 0 && index === parts.length - 1
        ? { type: 'interactive', interactive: withButtons(body, choices) }
        : { type: 'text', text: { body } },
    ),
  );
}

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages */
const withButtons = (text: string, choices: readonly Choice[]): object => ({
  type: 'button',
  body: { text },
  action: { buttons: choices.map(({ id, label }) => ({ type: 'reply', reply: { id, title: label } })) },
});

/** The text goes under the file where it can, else after it. */
async function fileMessages(file: OutgoingFile, text: string): Promise<Result<OutgoingMessage[], string>> {
  const bytes = await sizeOf(file);
  if (bytes === null) return err(`the file ${fileNameOf(file)} is not there`);
  const upload = uploadOf(file.mime, bytes);
  if (!upload.ok) return err(`the file ${fileNameOf(file)} cannot be sent: ${upload.error}`);
  const { kind } = upload.value;
  const isCaption = kind !== 'audio' && text !== '' && text.length <= MAX_CAPTION;
  const about = {
    ...(isCaption && { caption: text }),
    ...(kind === 'document' && { filename: fileNameOf(file) }),
  };
  const message: OutgoingMessage = {
    upload: { ...upload.value, file },
    content: (id) => ({ type: kind, [kind]: { id, ...about } }),
  };
  return ok([message, ...textMessages(isCaption ? '' : text)]);
}

/** An empty emoji takes a reaction back. */
function reactionMessages(to: string | null, emoji: string): Result<readonly OutgoingMessage[], string> {
  if (to === null) return err('a reaction needs the message that it is to');
  return ok([plain({ type: 'reaction', reaction: { message_id: to, emoji } })]);
}

const plain = (content: object): OutgoingMessage => ({ upload: null, content: () => content });

const quoting = ({ upload, content }: OutgoingMessage, message_id: string): OutgoingMessage => ({
  upload,
  content: (mediaId) => ({ ...content(mediaId), context: { message_id } }),
});

/** Asks a person to answer. */
export const templateMessage = ({ name, language }: Template): OutgoingMessage =>
  plain({ type: 'template', template: { name, language: { code: language } } });

/** To a group; to a number, which every version takes; or to the id of somebody whose number is hidden. */
export function recipientOf(kind: Peer['kind'], id: string): object {
  if (kind === 'group') return { recipient_type: 'group', to: id };
  if (!PHONE_NUMBER.test(id)) return { recipient_type: 'individual', recipient: id };
  return { recipient_type: 'individual', to: id.replace('+', '') };
}
