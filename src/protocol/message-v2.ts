/*
 * The wire format MessageV2 (version 2.0), as the implementation guide describes it: what programs put into the spool and take
 * out of it. Frozen: clients out there speak it. Whatever has to change goes into a new version, in a file of its own.
 */
import { z } from 'zod';
import {
  type Address,
  agentAddress,
  agentId,
  agentOf,
  conversationId,
  isAgentId,
  isForeignId,
  messageId,
} from '../domain/addresses.ts';
import { ParleyError } from '../domain/errors.ts';
import { type Message, type NewMessage, PRIORITIES, type Priority } from '../domain/message.ts';
import { startTrace } from '../domain/trace.ts';
import { newId } from '../lib/ids.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { nearest } from '../lib/suggestion.ts';
import { isJsonObject, type JsonObject } from './bounded-json.ts';

const VERSION = '2.0';

/** Every active agent but the sender: what `to` says of a broadcast. */
export const EVERYBODY = '*';

/** The longest body, in bytes of UTF-8. */
export const MAX_BODY_BYTES = 1024 * 1024;
/** The longest line of RFC 5322, which bounds a subject of mail as well. */
const MAX_SUBJECT_CHARS = 998;
/** A year, in hours. */
const MAX_TTL_HOURS = 8760;
/** The longest payload data and the longest metadata, in bytes of JSON. */
const MAX_DATA_BYTES = 1024 * 1024;

const HOUR_MS = 3_600_000;

/** Where a message in the spool keeps what the wire said and the spool has no room for: an entry of its metadata. */
const WIRE = 'message-v2';

const agentIdSchema = z.string().refine((text): boolean => isAgentId(text), {
  error: 'an agent id has 1 to 64 letters, digits and . _ @ + -, and begins with a letter or digit',
});
const foreignIdSchema = z.string().refine(isForeignId, {
  error: 'an id has 1 to 200 printable ASCII characters and no spaces',
});

const isShort = (value: object): boolean => Buffer.byteLength(JSON.stringify(value)) <= MAX_DATA_BYTES;
const tooLong = `must be at most ${MAX_DATA_BYTES} bytes of JSON`;

const jsonObjectSchema = z
  .custom<JsonObject>(isJsonObject, { error: 'must be a JSON object, nested at most 64 deep, of well-formed text' })
  .refine(isShort, { error: tooLong });

const words = z.array(z.string().min(1));

/** What `data` says, by payload type. Everything may be left out, and fields that are not named here are kept. */
const dataSchema = {
  text: z.looseObject({ format: z.string().optional() }),
  task_assignment: z.looseObject({
    task_id: z.string().optional(),
    title: z.string().optional(),
    description: z.string().optional(),
    requirements: words.optional(),
    depends_on: words.optional(),
    /** ISO 8601. */
    deadline: z.iso.datetime({ offset: true }).optional(),
  }),
  task_result: z.looseObject({
    task_id: z.string().optional(),
    outcome: z.enum(['completed', 'partial', 'failed']).optional(),
    summary: z.string().optional(),
    artifacts: words.optional(),
    error: z.string().optional(),
  }),
  context_share: z.looseObject({
    topic: z.string().optional(),
    content: z.string().optional(),
    sources: words.optional(),
  }),
  status_request: z.looseObject({ task_id: z.string().optional() }),
  status_response: z.looseObject({
    status: z.string().optional(),
    available: z.boolean().optional(),
    queued_tasks: z.int().min(0).optional(),
    detail: z.string().optional(),
  }),
  capability_query: z.looseObject({ capability: z.string().optional() }),
  capability_response: z.looseObject({ capabilities: words.optional() }),
  broadcast: z.looseObject({ topic: z.string().optional() }),
} as const satisfies Record<string, z.ZodType>;

export const PAYLOAD_TYPES: readonly string[] = Object.keys(dataSchema);

const payloadSchema = z
  .discriminatedUnion(
    'type',
    [
      z.object({ type: z.literal('text'), data: dataSchema.text.prefault({}) }),
      z.object({ type: z.literal('task_assignment'), data: dataSchema.task_assignment.prefault({}) }),
      z.object({ type: z.literal('task_result'), data: dataSchema.task_result.prefault({}) }),
      z.object({ type: z.literal('context_share'), data: dataSchema.context_share.prefault({}) }),
      z.object({ type: z.literal('status_request'), data: dataSchema.status_request.prefault({}) }),
      z.object({ type: z.literal('status_response'), data: dataSchema.status_response.prefault({}) }),
      z.object({ type: z.literal('capability_query'), data: dataSchema.capability_query.prefault({}) }),
      z.object({ type: z.literal('capability_response'), data: dataSchema.capability_response.prefault({}) }),
      z.object({ type: z.literal('broadcast'), data: dataSchema.broadcast.prefault({}) }),
    ],
    { error: ({ input }) => unknownPayloadType(input) },
  )
  .refine(({ data }) => isShort(data), { path: ['data'], error: tooLong });

/** `urgent` is what some clients say for `critical`. */
const prioritySchema = z
  .enum([...PRIORITIES, 'urgent'], { error: `must be one of ${PRIORITIES.join(', ')}` })
  .transform((priority): Priority => (priority === 'urgent' ? 'critical' : priority));

const routingSchema = z.looseObject({
  reply_to: foreignIdSchema.nullable().default(null),
  conversation_id: foreignIdSchema.nullable().default(null),
  ttl_hours: z.number().positive().max(MAX_TTL_HOURS).nullable().default(null),
});

const fieldsSchema = z.object({
  id: foreignIdSchema,
  version: z.literal(VERSION),
  from: agentIdSchema,
  to: z.union([z.literal(EVERYBODY), agentIdSchema]),
  subject: z
    .string()
    .max(MAX_SUBJECT_CHARS)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, { error: 'must be one line' })
    .default(''),
  body: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= MAX_BODY_BYTES, { error: `must be at most ${MAX_BODY_BYTES} bytes` })
    .default(''),
  /** ISO 8601 with an offset: when it was sent. */
  timestamp: z.iso.datetime({ offset: true, error: 'must be an ISO 8601 time with Z or an offset' }).max(40),
  priority: prioritySchema.default('normal'),
  routing: routingSchema.prefault({}),
  payload: payloadSchema.prefault({ type: 'text', data: {} }),
  metadata: jsonObjectSchema
    .refine((metadata) => !Object.hasOwn(metadata, WIRE), { error: `has ${WIRE} in it, which is Parley's own` })
    .default({}),
});

/** Unknown fields are kept. */
const messageV2Schema = fieldsSchema.loose();

/** A message on the wire, complete. */
export type MessageV2 = z.output<typeof fieldsSchema>;

/** What a program has to say: who to whom, and whatever else it likes of a MessageV2. */
export interface MessageDraft {
  /** The same id sent again is not stored twice. Default: a new one. */
  readonly id?: string | undefined;
  readonly from: string;
  /** An agent, or `*` for all that are active. */
  readonly to: string;
  readonly subject?: string | undefined;
  readonly body?: string | undefined;
  readonly priority?: Priority | 'urgent' | undefined;
  readonly routing?:
    | {
        readonly reply_to?: string | null | undefined;
        readonly conversation_id?: string | null | undefined;
        readonly ttl_hours?: number | null | undefined;
      }
    | undefined;
  /** One of the nine types; `data` as the type has it. Default: `text`. */
  readonly payload?: { readonly type: string; readonly data?: unknown } | undefined;
  readonly metadata?: { readonly [name: string]: unknown } | undefined;
}

/** Reads a message off the wire; the error, MESSAGE_INVALID, says of each field what is wrong with it. */
export function parseMessageV2(value: unknown): Result<MessageV2, ParleyError> {
  if (!isJsonObject(value)) return invalid('it must be a JSON object, nested at most 64 deep, of well-formed text');
  const parsed = messageV2Schema.safeParse(value);
  if (!parsed.success) {
    return invalid(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  }
  const unknown = unknownFields(parsed.data);
  if (!jsonObjectSchema.safeParse(unknown).success)
    return invalid('the fields that MessageV2 does not know are too long');
  return ok(parsed.data);
}

/** Makes a draft a whole message, with an id and a time where it has none. Fails as `parseMessageV2` does. */
export function completeDraft(draft: MessageDraft, now: number): Result<MessageV2, ParleyError> {
  const given = plainJson(draft);
  return parseMessageV2(
    isJsonObject(given)
      ? { id: newId('msg', now), version: VERSION, timestamp: new Date(now).toISOString(), ...given }
      : given,
  );
}

/** The message as the spool takes it, for these recipients. Without a conversation it begins one. */
export function toNewMessage(message: MessageV2, recipients: readonly Address[], now: number): NewMessage {
  const id = messageId(message.id);
  const { reply_to, conversation_id, ttl_hours, ...unknownRouting } = message.routing;
  const wire: JsonObject = {
    timestamp: message.timestamp,
    ttl_hours,
    ...nonEmpty('fields', unknownFields(message)),
    ...nonEmpty('routing', json(unknownRouting)),
  };
  const [first] = recipients;
  return {
    id,
    from: agentAddress(agentId(message.from)),
    deliveries: recipients.map((to) => ({ to })),
    conversation: conversationId(conversation_id ?? newId('conv', now)),
    replyTo: reply_to === null ? null : messageId(reply_to),
    subject: message.subject,
    body: message.body,
    payload: { type: message.payload.type, data: json(message.payload.data) },
    metadata: { ...message.metadata, [WIRE]: wire },
    priority: message.priority,
    trace: startTrace(id, first === undefined ? null : agentOf(first)),
    ...(ttl_hours === null ? {} : { ttlMs: Math.ceil(ttl_hours * HOUR_MS) }),
  };
}

/** A message of the spool as the wire has it: what `toNewMessage` was given, or as much as a MessageV2 can say of another kind of message. */
export function toMessageV2(message: Message, to: Address | typeof EVERYBODY): MessageV2 {
  const { [WIRE]: kept, ...metadata } = message.metadata;
  const wire = wireSchema.safeParse(kept).data;
  return {
    ...wire?.fields,
    id: message.id,
    version: VERSION,
    from: nameOf(message.from),
    to: nameOf(to),
    subject: message.subject,
    body: message.body,
    timestamp: wire?.timestamp ?? new Date(message.acceptedAt).toISOString(),
    priority: message.priority,
    routing: {
      ...wire?.routing,
      reply_to: message.replyTo,
      conversation_id: message.conversation,
      ttl_hours: wire ? wire.ttl_hours : ttlHoursOf(message),
    },
    payload: payloadOfMessage(message),
    metadata,
  };
}

/** The agent's id, or the whole address of what is not an agent. */
export function nameOf(address: Address | typeof EVERYBODY): string {
  return address === EVERYBODY ? address : (agentOf(address) ?? address);
}

/** What is there. */
const wireSchema = z.object({
  timestamp: z.string(),
  ttl_hours: z.number().nullable(),
  fields: z.custom<JsonObject>(isJsonObject).exactOptional(),
  routing: z.custom<JsonObject>(isJsonObject).exactOptional(),
});

const nonEmpty = (name: string, fields: JsonObject): JsonObject =>
  Object.keys(fields).length > 0 ? { [name]: fields } : {};

function unknownFields(message: object): JsonObject {
  return json(Object.fromEntries(Object.entries(message).filter(([name]) => !Object.hasOwn(fieldsSchema.shape, name))));
}

/** Throws MESSAGE_INVALID for what no parsed message has. */
function json(value: object): JsonObject {
  if (isJsonObject(value)) return value;
  throw new ParleyError('MESSAGE_INVALID', 'The message has something in it that is not JSON.');
}

function ttlHoursOf({ acceptedAt, expiresAt }: Message): number | null {
  return expiresAt === null ? null : (expiresAt - acceptedAt) / HOUR_MS;
}

/** What was not a MessageV2 (a chat message, an envelope) is shown as text that says what it was. */
function payloadOfMessage({ payload }: Message): MessageV2['payload'] {
  const known = payloadSchema.safeParse(payload);
  return known.success
    ? known.data
    : { type: 'text', data: { original_type: payload.type, original_data: payload.data } };
}

function unknownPayloadType(payload: unknown): string {
  const type = isJsonObject(payload) ? payload['type'] : undefined;
  const meant = typeof type === 'string' ? nearest(type, PAYLOAD_TYPES) : null;
  const choice = `must have a type, one of ${PAYLOAD_TYPES.join(', ')}`;
  return meant === null ? choice : `${choice}; did you mean ${meant}?`;
}

function invalid(reason: string): Result<never, ParleyError> {
  return err(new ParleyError('MESSAGE_INVALID', `This is not a valid MessageV2: ${reason}.`));
}

/** The value as JSON has it (what is undefined is not there), or undefined when it has no JSON form. */
function plainJson(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    return undefined;
  }
}
