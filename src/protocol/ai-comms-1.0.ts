/*
 * The wire format ai-comms 1.0, as the multi-agent guide shows it, with the additions `id`, `replyTo`, `group` and `trace`.
 * Frozen: agents out there speak it. Whatever has to change goes into a new version, in a file of its own.
 */
import { z } from 'zod';
import { agentId, conversationId, groupId, isAgentId, isForeignId, messageId } from '../domain/addresses.ts';
import type { Trace } from '../domain/trace.ts';
import type { Json } from '../lib/json.ts';
import { type JsonObject, parseJson } from './bounded-json.ts';

export const PROTOCOL = 'ai-comms';
export const VERSION = '1.0';

/** The payload type of a message whose body is an envelope; its data is for this machine alone. */
export const ENVELOPE = 'envelope';

/** The longest envelope, in bytes of UTF-8. */
export const MAX_ENVELOPE_BYTES = 256 * 1024;

/** Text on one line: a name with a line break could pass itself off as something else in a prompt or a log. */
export const lineSchema = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]+$/u);

const agentIdSchema = z.string().refine(isAgentId).transform(agentId);
const foreignIdSchema = z.string().refine(isForeignId);
const messageIdSchema = foreignIdSchema.transform(messageId);

const participantSchema = z.looseObject({ agentId: agentIdSchema, agentName: lineSchema(128) });
export type Participant = z.infer<typeof participantSchema>;

const groupSchema = z.looseObject({ groupId: foreignIdSchema.transform(groupId), groupName: lineSchema(128) });
export type EnvelopeGroup = z.infer<typeof groupSchema>;

/** 10^12 is a million US dollars in millionths; sums of such amounts stay exact. */
const amountSchema = z.int().min(0).max(1e12);

const traceSchema: z.ZodType<Trace> = z.object({
  root: messageIdSchema,
  cause: messageIdSchema.nullable(),
  hop: z.int().min(0).max(1000),
  origin: agentIdSchema.nullable(),
  budget: z.object({
    turns: z.int().min(0).max(1e6),
    tokens: amountSchema.nullable(),
    microUsd: amountSchema.nullable(),
  }),
});

/** HMAC-SHA256 in lower-case hex. Strict, because nothing in `auth` is signed. */
export const authSchema = z.strictObject({
  hmac: z.string().regex(/^[0-9a-f]{64}$/),
  algorithm: z.literal('sha256'),
});
export type Auth = z.infer<typeof authSchema>;

/** The fields of an envelope. Unknown ones are allowed, and signed with the rest; `auth` is left for the signature check to judge. */
export const envelopeSchema = z
  .looseObject({
    protocol: z.literal(PROTOCOL),
    version: z.literal(VERSION),
    /** Agents that know only the guide send none. */
    id: messageIdSchema.optional(),
    from: participantSchema,
    to: participantSchema.optional(),
    intent: lineSchema(64),
    payload: z.custom<Json>((value) => value !== undefined),
    conversationId: foreignIdSchema.transform(conversationId),
    /** ISO 8601 with an offset; turned into epoch milliseconds. */
    timestamp: z.iso.datetime({ offset: true }).max(40).transform(Date.parse),
    auth: z.unknown().optional(),
    replyTo: messageIdSchema.optional(),
    group: groupSchema.optional(),
    trace: traceSchema.optional(),
  })
  .refine(({ to, group }) => to !== undefined || group !== undefined, { path: ['to'] });
export type EnvelopeFields = z.infer<typeof envelopeSchema>;

/** What the signature covers: all but `auth`. */
export function signedPart({ auth, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** What the seal vouches for beside the payload: all but the payload and `auth`. */
export function headerOf({ payload, auth, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** The fields that this version of the format does not know. */
export function unknownFields(envelope: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(envelope).filter(([name]) => !Object.hasOwn(envelopeSchema.shape, name)));
}

const markSchema = z.object({ protocol: z.literal(PROTOCOL) });

/** Whether a text is an envelope (a valid one or not) rather than something a human wrote: a JSON object, and nothing else, whose protocol is ai-comms. */
export function looksLikeEnvelope(text: string): boolean {
  return markSchema.safeParse(parseJson(text)).success;
}
