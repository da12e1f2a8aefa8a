import { z } from 'zod';
import type { Media } from '../../../domain/chat.ts';
import { type WebhookMessage, wireText } from './webhook.ts';

/** What a message says, in the words in which an agent gets it. */
export interface MessageContent {
  readonly text: string;
  readonly media?: readonly Media[];
  /** It is only an emoji that was put to a message, with this id of WhatsApp. */
  readonly reaction?: { readonly emoji: string; readonly to: string };
}

/** null: the content is not as it should be. */
type Reader = (content: unknown) => MessageContent | null;

const reader =
  <T>(schema: z.ZodType<T>, contentOf: (content: T) => MessageContent): Reader =>
  (content) => {
    const parsed = schema.safeParse(content);
    return parsed.success ? contentOf(parsed.data) : null;
  };

const optional = wireText.optional();
const number = z.union([z.number(), wireText]);

const fileSchema = z.object({
  id: z.string().min(1),
  mime_type: wireText.catch('application/octet-stream'),
  caption: optional,
  filename: optional,
});

const file = (kind: Media['kind']): Reader =>
  reader(fileSchema, ({ id, mime_type: mime, caption = '', filename }) => ({
    text: caption,
    media: [{ kind, mime, bytes: null, ...(filename !== undefined && { name: filename }), source: { id } }],
  }));

const chosen = z.object({ title: wireText });
/** The id of a button of ours is a command. Of those that other programs have sent from this number, what was on it counts. */
const pressed = z
  .object({ id: wireText.catch(''), title: wireText })
  .transform(({ id, title }) => (id.startsWith('!') ? id : title));
const interactive = z.union([
  z.object({ button_reply: pressed }).transform(({ button_reply }) => button_reply),
  z.object({ list_reply: chosen }).transform(({ list_reply }) => list_reply.title),
  z
    .object({ nfm_reply: z.object({ response_json: wireText }) })
    .transform(({ nfm_reply }) => `[form: ${nfm_reply.response_json}]`),
]);

const location = z.object({ latitude: z.number(), longitude: z.number(), name: optional, address: optional });

const contact = z.object({
  name: z.object({ formatted_name: wireText }).optional().catch(undefined),
  phones: z.array(z.object({ phone: optional })).catch([]),
});

const order = z.object({
  text: optional,
  product_items: z.array(
    z.object({ product_retailer_id: wireText, quantity: number, item_price: number, currency: wireText }),
  ),
});

/** By the type of the message. */
const READERS: ReadonlyMap<string, Reader> = new Map([
  ['text', reader(z.object({ body: wireText }), ({ body }) => ({ text: body }))],
  ['button', reader(z.object({ text: wireText }), ({ text }) => ({ text }))],
  ['interactive', reader(interactive, (text) => ({ text }))],
  ['image', file('image')],
  ['video', file('video')],
  ['audio', file('audio')],
  ['voice', file('audio')],
  ['document', file('document')],
  ['sticker', file('sticker')],
  [
    'location',
    reader(location, ({ latitude, longitude, name, address }) => ({
      text: `[location: ${[`${latitude}, ${longitude}`, name, address].filter(isSaid).join(', ')}]`,
    })),
  ],
  ['contacts', reader(z.array(contact), (contacts) => ({ text: contacts.map(describeContact).join('\n') }))],
  [
    'reaction',
    reader(z.object({ message_id: z.string().min(1), emoji: wireText }), ({ message_id, emoji }) => ({
      text: '',
      reaction: { emoji, to: message_id },
    })),
  ],
  [
    'order',
    reader(order, ({ text, product_items }) => ({
      text: [`[order: ${product_items.map(describeItem).join('; ')}]`, text].filter(isSaid).join('\n'),
    })),
  ],
]);

/** Nobody says these to us: a number that changed, a message that was edited or taken back, a chat that was opened. */
const NOT_SAID: ReadonlySet<string> = new Set(['system', 'edit', 'revoke', 'request_welcome']);

/** null: it is nothing that anybody says. What cannot be read is still told, as what it is. */
export function contentOf(message: WebhookMessage): MessageContent | null {
  const { type, referral } = message;
  if (NOT_SAID.has(type) || isReactionTakenBack(message)) return null;
  const content = READERS.get(type)?.(message[type]) ?? { text: `[unsupported message: ${type}]` };
  const from = [referral?.headline, referral?.source_url].filter(isSaid);
  if (from.length === 0) return content;
  return { ...content, text: [content.text, `[came from: ${from.join(', ')}]`].filter(isSaid).join('\n') };
}

/** WhatsApp tells it as a reaction without an emoji. */
function isReactionTakenBack({ type, ...contents }: WebhookMessage): boolean {
  if (type !== 'reaction') return false;
  const { success, data } = z.object({ emoji: optional }).safeParse(contents['reaction']);
  return success && !isSaid(data.emoji);
}

const isSaid = (text: string | undefined): text is string => text !== undefined && text !== '';

function describeContact({ name, phones }: z.infer<typeof contact>): string {
  return `[contact: ${[name?.formatted_name, ...phones.map(({ phone }) => phone)].filter(isSaid).join(', ')}]`;
}

function describeItem(item: z.infer<typeof order>['product_items'][number]): string {
  return `${item.quantity} × ${item.product_retailer_id} at ${item.item_price} ${item.currency}`;
}
