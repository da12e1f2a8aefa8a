import type { AgentId, ConversationId, MessageId } from '../domain/addresses.ts';
import { messageId } from '../domain/addresses.ts';
import { ParleyError } from '../domain/errors.ts';
import type { Trace } from '../domain/trace.ts';
import { deriveId } from '../lib/ids.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import {
  type EnvelopeFields,
  type EnvelopeGroup,
  envelopeSchema,
  headerOf,
  MAX_ENVELOPE_BYTES,
  type Participant,
  PROTOCOL,
  signedPart,
  unknownFields,
  VERSION,
} from './ai-comms-1.0.ts';
import { isJsonObject, type JsonObject, parseJson } from './bounded-json.ts';
import type { EnvelopeKeys } from './keys.ts';
import { claimsToBeSealed, seal, unseal } from './sealing.ts';
import { forgetAfter, type SeenEnvelopes } from './seen-envelopes.ts';
import { sign, verify } from './signature.ts';

/** What an agent has to say to another, or to a group. At least one of `to` and `group` is there. */
export interface EnvelopeDraft {
  readonly id: MessageId;
  readonly from: Participant;
  readonly to?: Participant | null;
  readonly group?: EnvelopeGroup | null;
  readonly intent: string;
  readonly payload: Json;
  readonly conversationId: ConversationId;
  /** Epoch milliseconds. */
  readonly sentAt: number;
  readonly replyTo?: MessageId | null;
  readonly trace?: Trace | null;
  /** Fields beyond those of ai-comms 1.0. */
  readonly extra?: JsonObject;
}

/** An envelope that was found genuine, fresh, new and meant for this recipient. */
export interface OpenedEnvelope extends Required<EnvelopeDraft> {
  /** It carried a signature, and we verified it. */
  readonly signed: boolean;
  /** Its payload came encrypted. */
  readonly sealed: boolean;
}

export interface EnvelopeRefusal {
  readonly reason:
    | 'malformed'
    | 'too-large'
    | 'unsupported-version'
    | 'unsigned'
    | 'bad-signature'
    | 'misdirected'
    | 'stale'
    | 'replayed'
    | 'plaintext'
    | 'unreadable';
  /** For the audit log: never a secret, never a word of the payload. */
  readonly detail: string;
}

export interface ReceiptContext {
  readonly keys: EnvelopeKeys;
  /** Refuse what is unsigned. */
  readonly requireAuth: boolean;
  readonly recipient: AgentId;
  /** The digits of the number that it came to: what a sender calls the recipient who knows only that. */
  readonly number?: string | undefined;
  /** When our spool accepted it (not when we get round to reading it: it may have waited for hours), epoch milliseconds. */
  readonly acceptedAt: number;
  /** When a carrier took it that kept it for us while we were away (WhatsApp, a relay), epoch milliseconds. Default: `acceptedAt`. */
  readonly postedAt?: number | undefined;
  /** How far the timestamp may be from `postedAt`, either way: SECURITY_MAX_MESSAGE_AGE_MS. */
  readonly maxAgeMs: number;
  readonly delivery: number;
  readonly seen: SeenEnvelopes;
}

/** An envelope as it came (`wire`: what is signed) and as it is understood (`fields`). */
interface ParsedEnvelope {
  readonly wire: JsonObject;
  readonly fields: EnvelopeFields;
}

interface OpenedPayload {
  readonly payload: Json;
  readonly sealed: boolean;
}

/** How long a carrier may have kept an envelope, in milliseconds: as long as a message lives by default. */
const MOST_CARRIED_MS = 24 * 60 * 60 * 1000;

const refuse = (reason: EnvelopeRefusal['reason'], detail: string): Result<never, EnvelopeRefusal> =>
  err({ reason, detail });

/** The text of an envelope: sealed when there is a sealing key, then signed when there is a signing key. Throws MESSAGE_INVALID for a draft that no reader would take. */
export function writeEnvelope(draft: EnvelopeDraft, keys: EnvelopeKeys): string {
  const parsed = checkFormat(plainEnvelope(draft));
  if (!parsed.ok) throw new ParleyError('MESSAGE_INVALID', `The message makes no envelope: ${parsed.error.detail}`);
  const text = JSON.stringify(signedEnvelope(sealedEnvelope(parsed.value.wire, keys), keys));
  if (Buffer.byteLength(text) > MAX_ENVELOPE_BYTES) {
    throw new ParleyError('MESSAGE_INVALID', `The message makes an envelope of more than ${MAX_ENVELOPE_BYTES} bytes`);
  }
  return text;
}

/**
 * The same envelope, written anew now: for one of our own that has waited before it could leave this machine, and would be stale
 * where it arrives. As it is when it was not signed and sealed with these keys: our signature is for nothing that was not genuine.
 */
export function restamped(text: string, keys: EnvelopeKeys, now: number): string {
  const parsed = parse(text);
  if (!parsed.ok) return text;
  const { wire, fields } = parsed.value;
  if (keys.signing && !verify(wire, keys.signing).ok) return text;
  const payload = claimsToBeSealed(fields.payload)
    ? keys.sealing && unseal(fields.payload, headerOf(wire), keys.sealing)
    : ok(fields.payload);
  if (!payload?.ok) return text;
  const { auth: _, ...unsigned } = wire;
  const fresh = { ...unsigned, timestamp: new Date(now).toISOString(), payload: payload.value };
  return JSON.stringify(signedEnvelope(sealedEnvelope(fresh, keys), keys));
}

function plainEnvelope(draft: EnvelopeDraft): object {
  const { to, group, replyTo, trace } = draft;
  const optional = Object.entries({ to, group, replyTo, trace }).filter(([, value]) => (value ?? null) !== null);
  return {
    protocol: PROTOCOL,
    version: VERSION,
    id: draft.id,
    from: draft.from,
    intent: draft.intent,
    conversationId: draft.conversationId,
    timestamp: new Date(draft.sentAt).toISOString(),
    ...Object.fromEntries(optional),
    ...unknownFields(draft.extra ?? {}),
    payload: draft.payload,
  };
}

function sealedEnvelope(envelope: JsonObject, { sealing }: EnvelopeKeys): JsonObject {
  const { payload = null } = envelope;
  if (sealing) return { ...envelope, payload: seal(payload, headerOf(envelope), sealing) };
  if (claimsToBeSealed(payload)) {
    throw new ParleyError(
      'MESSAGE_INVALID',
      'The payload would be taken for a sealed one, and there is no key to seal it',
    );
  }
  return envelope;
}

function signedEnvelope(envelope: JsonObject, { signing }: EnvelopeKeys): JsonObject {
  return signing ? { ...envelope, auth: sign(envelope, signing) } : envelope;
}

/**
 * Opens the text of an envelope, or says why it is refused. Never throws for what the text contains; rejects only when the memory
 * of seen envelopes fails. The order matters: nothing is remembered and nothing decrypted of what is not genuine.
 */
export async function readEnvelope(
  text: string,
  context: ReceiptContext,
): Promise<Result<OpenedEnvelope, EnvelopeRefusal>> {
  const parsed = parse(text);
  if (!parsed.ok) return parsed;
  const { wire, fields } = parsed.value;

  const signed = checkSignature(wire, context);
  if (!signed.ok) return signed;
  const meant = checkAddressee(fields, context);
  if (!meant.ok) return meant;
  const fresh = checkFreshness(fields, context);
  if (!fresh.ok) return fresh;

  // Without a signature the seal is the only proof: it has to hold before the id is remembered, or a stranger could use ids up.
  const proof = signed.value ? null : openPayload(parsed.value, context);
  if (proof?.ok === false) return proof;

  const id = fields.id ?? derivedId(wire);
  const seen = { recipient: context.recipient, envelope: id, delivery: context.delivery };
  if ((await context.seen.remember(seen, forgetCopiesAfter(fields, context))) === 'replay') {
    return refuse('replayed', 'an envelope with this id came before');
  }

  const opened = proof ?? openPayload(parsed.value, context);
  if (!opened.ok) return opened;
  return ok(openedEnvelope(id, parsed.value, opened.value, signed.value));
}

/** What a carrier says of the time is believed for a day, and it may bring a copy of what came another way. */
function forgetCopiesAfter({ timestamp }: EnvelopeFields, { maxAgeMs }: ReceiptContext): number {
  return forgetAfter(timestamp, maxAgeMs) + MOST_CARRIED_MS;
}

/** Agents that know only the guide give no id: it follows from the content, so that a copy is recognised all the same. */
function derivedId(wire: JsonObject): MessageId {
  return messageId(deriveId('env', canonicalJson(signedPart(wire))));
}

function openedEnvelope(
  id: MessageId,
  { wire, fields }: ParsedEnvelope,
  { payload, sealed }: OpenedPayload,
  signed: boolean,
): OpenedEnvelope {
  return {
    id,
    from: fields.from,
    to: fields.to ?? null,
    group: fields.group ?? null,
    intent: fields.intent,
    payload,
    conversationId: fields.conversationId,
    sentAt: fields.timestamp,
    replyTo: fields.replyTo ?? null,
    trace: fields.trace ?? null,
    extra: unknownFields(wire),
    signed,
    sealed,
  };
}

function parse(text: string): Result<ParsedEnvelope, EnvelopeRefusal> {
  if (Buffer.byteLength(text) > MAX_ENVELOPE_BYTES) {
    return refuse('too-large', `the envelope has more than ${MAX_ENVELOPE_BYTES} bytes`);
  }
  return checkFormat(parseJson(text));
}

function checkFormat(value: unknown): Result<ParsedEnvelope, EnvelopeRefusal> {
  if (!isJsonObject(value))
    return refuse('malformed', 'not a JSON object, nested too deeply, or text that is not Unicode');
  const { protocol, version } = value;
  if (protocol === PROTOCOL && typeof version === 'string' && version !== VERSION) {
    return refuse('unsupported-version', `only ${PROTOCOL} ${VERSION} is understood`);
  }
  const fields = envelopeSchema.safeParse(value);
  if (fields.success) return ok({ wire: value, fields: fields.data });
  const wrong = new Set(fields.error.issues.map((issue) => issue.path.join('.')));
  return refuse('malformed', `missing or not as ${PROTOCOL} ${VERSION} has it: ${[...wrong].join(', ')}`);
}

/** Whether a signature was verified; a missing one is let through only where none is required, a wrong one never. */
function checkSignature(wire: JsonObject, { keys, requireAuth }: ReceiptContext): Result<boolean, EnvelopeRefusal> {
  if (!keys.signing) {
    return requireAuth
      ? refuse('unsigned', 'signatures are required, and there is no secret to verify them with')
      : ok(false);
  }
  const verified = verify(wire, keys.signing);
  if (verified.ok) return ok(true);
  if (verified.error === 'bad-signature') {
    return refuse('bad-signature', 'the signature does not match: another secret, or a change on the way');
  }
  return requireAuth ? refuse('unsigned', 'there is no signature') : ok(false);
}

function checkAddressee(
  { to, group }: EnvelopeFields,
  { recipient, number }: ReceiptContext,
): Result<null, EnvelopeRefusal> {
  if (group !== undefined || to?.agentId === recipient) return ok(null);
  if (number !== undefined && to?.agentId === number) return ok(null);
  return refuse('misdirected', 'the envelope is for another agent');
}

function checkFreshness(
  { timestamp }: EnvelopeFields,
  { acceptedAt, postedAt = acceptedAt, maxAgeMs }: ReceiptContext,
): Result<null, EnvelopeRefusal> {
  const age = postedAt - timestamp;
  const carriedMs = acceptedAt - postedAt;
  if (carriedMs > MOST_CARRIED_MS || carriedMs < -maxAgeMs) {
    return refuse('stale', `the carrier says that it has had the envelope for ${Math.round(carriedMs / 1000)} s`);
  }
  if (Math.abs(age) <= maxAgeMs) return ok(null);
  const seconds = Math.round(Math.abs(age) / 1000);
  const offset = age > 0 ? `${seconds} s old when it came` : `${seconds} s from the future`;
  return refuse('stale', `the envelope is ${offset}, and ${Math.round(maxAgeMs / 1000)} s are allowed`);
}

function openPayload(
  { wire, fields }: ParsedEnvelope,
  { keys }: ReceiptContext,
): Result<OpenedPayload, EnvelopeRefusal> {
  const { payload } = fields;
  if (!claimsToBeSealed(payload)) {
    return keys.sealing ? refuse('plaintext', 'the payload is not encrypted') : ok({ payload, sealed: false });
  }
  if (!keys.sealing) return refuse('unreadable', 'the payload is encrypted, and there is no key to open it');
  const opened = unseal(payload, headerOf(wire), keys.sealing);
  return opened.ok ? ok({ payload: opened.value, sealed: true }) : refuse('unreadable', opened.error);
}
