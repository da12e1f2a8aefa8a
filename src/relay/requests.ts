import { z } from 'zod';
import { isAgentId, isForeignId } from '../domain/addresses.ts';
import { isJsonObject, parseJson } from '../protocol/bounded-json.ts';
import { Refusal } from './refusal.ts';

const agentSchema = z.string().refine((text): boolean => isAgentId(text), { error: 'must be the id of an agent' });
export const idSchema = z.string().refine(isForeignId, { error: 'must be the id of a message' });
const line = z.string().regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,128}$/u, { error: 'must be one line of 1 to 128 characters' });

/** Clients say `id` or `message_id`, and may leave out the agent: it is whoever has signed. */
const settled = {
  message_id: idSchema.optional(),
  id: idSchema.optional(),
  agent: agentSchema.optional(),
  lease_token: z.string().max(200).optional(),
};

export const ackSchema = z.object(settled);
export const nackSchema = z.object({ ...settled, reason: z.string().max(2000).default('no reason was given') });

export const registrationSchema = z.object({
  id: agentSchema.optional(),
  agent_id: agentSchema.optional(),
  name: line.optional(),
  capabilities: z.array(line).max(100).default([]),
  device: line.default('remote'),
  metadata: z.record(z.string().max(128), z.string().max(1000)).default({}),
});

/** The most and the longest that one poll can ask for. It is not signed: who asks for more gets this much. */
export const POLL_BOUNDS = {
  limit: { least: 1, most: 100, otherwise: 10 },
  leaseSeconds: { least: 1, most: 3600, otherwise: 60 },
  waitSeconds: { least: 0, most: 30, otherwise: 0 },
} as const;

const bounded = ({ least, most, otherwise }: (typeof POLL_BOUNDS)[keyof typeof POLL_BOUNDS]) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: 'must be a whole number' })
    .transform((text) => Math.min(most, Math.max(least, Number(text))))
    .default(otherwise);

export const pollSchema = z.object({
  limit: bounded(POLL_BOUNDS.limit),
  lease: bounded(POLL_BOUNDS.leaseSeconds),
  wait: bounded(POLL_BOUNDS.waitSeconds),
  poller: idSchema.nullable().default(null),
});

/** The JSON object in a body. Throws BAD_REQUEST. */
export function jsonObject(body: Uint8Array): object {
  const value = parseJson(Buffer.from(body).toString());
  if (isJsonObject(value)) return value;
  throw new Refusal('BAD_REQUEST', 'The body has to be a JSON object, nested at most 64 deep, of well-formed text.');
}

/** The value as the schema has it. Throws BAD_REQUEST, which says of each field what is wrong with it. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; ');
  throw new Refusal('BAD_REQUEST', `This request is wrong: ${wrong}.`);
}
