import { z } from 'zod';

/*
 * What `POST /{version}/{phone-number-id}/messages` takes, and nothing else: an unknown field is an error here, while Meta passes
 * some over, so that a client's mistake is found by its tests.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/messages
 */

const said = (max: number) => z.string().max(max).regex(/\S/, 'is blank');
const url = z.url();

/** Uploaded before, or somewhere on the web. */
const uploaded = { id: z.string().optional(), link: url.optional() };
const oneSource = <T extends { id?: string | undefined; link?: string | undefined }>(media: T): boolean =>
  (media.id === undefined) !== (media.link === undefined);
const caption = said(1024).optional();

const isEachOnce = (words: readonly string[]): boolean => new Set(words).size === words.length;

const reply = z.strictObject({ id: said(256).regex(/^\S(?:.*\S)?$/, 'begins or ends with a space'), title: said(20) });
const button = z.strictObject({ type: z.literal('reply'), reply });
const buttons = z
  .array(button)
  .min(1)
  .max(3)
  .refine((all) => isEachOnce(all.map((one) => one.reply.id)), 'two buttons have the same id')
  .refine((all) => isEachOnce(all.map((one) => one.reply.title)), 'two buttons have the same title');
const row = z.strictObject({ id: said(200), title: said(24), description: said(72).optional() });
const section = z.strictObject({ title: said(24).optional(), rows: z.array(row).min(1).max(10) });
const interactiveText = {
  body: z.strictObject({ text: said(1024) }),
  footer: z.strictObject({ text: said(60) }).optional(),
};
const interactive = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('button'),
    ...interactiveText,
    action: z.strictObject({ buttons }),
  }),
  z.strictObject({
    type: z.literal('list'),
    ...interactiveText,
    action: z.strictObject({ button: said(20), sections: z.array(section).min(1).max(10) }),
  }),
]);

const template = z.strictObject({
  name: z.string().regex(/^[a-z0-9_]{1,512}$/),
  language: z.strictObject({ code: z.string().regex(/^[a-z]{2,3}(?:_[A-Z]{2})?$/) }),
  components: z.array(z.record(z.string(), z.unknown())).optional(),
});

const contact = z.strictObject({
  name: z.strictObject({ formatted_name: said(256), first_name: said(256).optional() }),
  phones: z.array(z.strictObject({ phone: said(40), type: z.string().optional() })).optional(),
});

const envelope = {
  messaging_product: z.literal('whatsapp'),
  recipient_type: z.enum(['individual', 'group']),
  /** The digits of a number, or the id of a group. */
  to: z.string().min(1).optional(),
  /** The business-scoped id of a person whose number is not known. */
  recipient: z
    .string()
    .regex(/^[A-Z]{2}\.\w{1,128}$/)
    .optional(),
  context: z.strictObject({ message_id: z.string().min(1) }).optional(),
  biz_opaque_callback_data: z.string().max(512).optional(),
};

const withContent = <Type extends string, Content extends z.ZodType>(type: Type, content: Content) =>
  z.strictObject({ ...envelope, type: z.literal(type), [type]: content });

const messageSchema = z
  .discriminatedUnion('type', [
    withContent('text', z.strictObject({ body: said(4096), preview_url: z.boolean().optional() })),
    withContent('image', z.strictObject({ ...uploaded, caption }).refine(oneSource)),
    withContent('video', z.strictObject({ ...uploaded, caption }).refine(oneSource)),
    withContent('document', z.strictObject({ ...uploaded, caption, filename: said(240).optional() }).refine(oneSource)),
    withContent('audio', z.strictObject({ ...uploaded, voice: z.boolean().optional() }).refine(oneSource)),
    withContent('sticker', z.strictObject(uploaded).refine(oneSource)),
    withContent('reaction', z.strictObject({ message_id: z.string().min(1), emoji: z.string().max(16) })),
    withContent(
      'location',
      z.strictObject({
        latitude: z.number(),
        longitude: z.number(),
        name: said(1000).optional(),
        address: said(1000).optional(),
      }),
    ),
    withContent('contacts', z.array(contact).min(1).max(257)),
    withContent('interactive', interactive),
    withContent('template', template),
  ])
  .refine(({ to, recipient }) => to !== undefined || recipient !== undefined, 'to or recipient is missing');

/** Marks a message as read, and may show that an answer is being written. */
const readSchema = z.strictObject({
  messaging_product: z.literal('whatsapp'),
  status: z.literal('read'),
  message_id: z.string().min(1),
  typing_indicator: z.strictObject({ type: z.literal('text') }).optional(),
});

export const requestSchema = z.union([readSchema, messageSchema]);
export type MessageRequest = z.infer<typeof messageSchema>;
export type ReadRequest = z.infer<typeof readSchema>;
