import { z } from 'zod';

/*
 * The webhooks of the WhatsApp Business Platform, field `messages`:
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
 * Read leniently: what is unknown is passed over, what is malformed is left out, and the rest is taken.
 */

/** Half a surrogate pair has no UTF-8 form: it could not be kept as it is. */
export const wireText = z.string().transform((text) => text.toWellFormed());

const optionalText = wireText.optional().catch(undefined);
const items = z.array(z.unknown()).catch([]);

const webhookSchema = z.object({ object: z.literal('whatsapp_business_account'), entry: items });
const entrySchema = z.object({ changes: items });
const changeSchema = z.object({ field: z.string(), value: z.unknown() });
const valueSchema = z.object({
  metadata: z.object({ phone_number_id: z.string(), display_phone_number: z.string().catch('') }),
  contacts: items,
  messages: items,
  statuses: items,
  errors: items,
});

const contactSchema = z.object({
  wa_id: optionalText,
  user_id: optionalText,
  profile: z.object({ name: optionalText }).optional().catch(undefined),
});
export type WebhookContact = z.infer<typeof contactSchema>;

const errorSchema = z.object({
  code: z.number(),
  title: optionalText,
  error_data: z.object({ details: optionalText }).optional().catch(undefined),
});
export type WebhookError = z.infer<typeof errorSchema>;

/** The content is under the name of its type: `text` of a text, `image` of an image. */
const messageSchema = z.looseObject({
  id: z.string().min(1),
  type: wireText,
  /** Seconds since 1970; null when it is not said. */
  timestamp: z.coerce.number().positive().nullable().catch(null),
  from: optionalText,
  from_user_id: optionalText,
  group_id: optionalText,
  context: z.object({ id: optionalText, from: optionalText }).optional().catch(undefined),
  referral: z.object({ headline: optionalText, source_url: optionalText }).optional().catch(undefined),
  errors: items,
});
export type WebhookMessage = z.infer<typeof messageSchema>;

const statusSchema = z.object({
  id: z.string().min(1),
  status: z.string(),
  recipient_type: optionalText,
  biz_opaque_callback_data: optionalText,
  errors: items,
});
export type WebhookStatus = z.infer<typeof statusSchema>;

/** What happened on one of our numbers. */
export interface WebhookChange {
  readonly phoneNumberId: string;
  /** The digits of that number; empty when they are not said. */
  readonly ownNumber: string;
  readonly contacts: readonly WebhookContact[];
  readonly messages: readonly WebhookMessage[];
  readonly statuses: readonly WebhookStatus[];
  readonly errors: readonly WebhookError[];
}

export interface Webhook {
  readonly changes: readonly WebhookChange[];
  /** What is wrong with each part that was left out; no values. */
  readonly malformed: readonly string[];
}

/** Never throws. */
export function readWebhook(body: unknown): Webhook {
  const malformed: string[] = [];
  const read = <T>(schema: z.ZodType<T>, value: unknown): T[] => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) malformed.push(z.prettifyError(parsed.error));
    return parsed.success ? [parsed.data] : [];
  };
  const readAll = <T>(schema: z.ZodType<T>, values: readonly unknown[]): T[] =>
    values.flatMap((value) => read(schema, value));
  const changes = read(webhookSchema, body)
    .flatMap(({ entry }) => readAll(entrySchema, entry))
    .flatMap((entry) => readAll(changeSchema, entry.changes))
    .filter(({ field }) => field === 'messages')
    .flatMap(({ value }) => read(valueSchema, value))
    .map(({ metadata, contacts, messages, statuses, errors }) => ({
      phoneNumberId: metadata.phone_number_id,
      ownNumber: digitsOf(metadata.display_phone_number),
      contacts: readAll(contactSchema, contacts),
      messages: readAll(messageSchema, messages),
      statuses: readAll(statusSchema, statuses),
      errors: readErrors(errors),
    }));
  return { changes, malformed };
}

/** The errors that came with a message or a status. */
export function readErrors(errors: readonly unknown[]): WebhookError[] {
  return errors.flatMap((error) => errorSchema.safeParse(error).data ?? []);
}

export const digitsOf = (number: string): string => number.replaceAll(/\D/g, '');
