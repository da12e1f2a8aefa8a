import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson, type Json } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { isBoundedJson, type JsonObject, parseJson } from './bounded-json.ts';

const ALGORITHM = 'aes-256-gcm';
/** Bytes, as NIST SP 800-38D recommends for GCM: a shorter tag is easier to forge. */
const IV_LENGTH = 12;
const TAG_LENGTH = 16;

/** The bytes of a base64 text in its one canonical form: another way to write the same bytes is a change, and refused. */
const base64Schema = z
  .string()
  .refine((text) => Buffer.from(text, 'base64').toString('base64') === text)
  .transform((text) => Buffer.from(text, 'base64'));

const sealedSchema = z.strictObject({
  sealed: z.literal(ALGORITHM),
  iv: base64Schema.refine(({ length }) => length === IV_LENGTH),
  tag: base64Schema.refine(({ length }) => length === TAG_LENGTH),
  ciphertext: base64Schema,
});

const sealMarkSchema = z.object({ sealed: z.literal(ALGORITHM) });

/** Whether a payload says of itself that it is sealed. */
export function claimsToBeSealed(payload: Json): boolean {
  return sealMarkSchema.safeParse(payload).success;
}

/** Encrypts a payload so that it opens only under the same key and beside the same header (the associated data, in canonical JSON). */
export function seal(payload: Json, header: JsonObject, key: KeyObject): z.input<typeof sealedSchema> {
  const iv = randomBytes(IV_LENGTH);
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_LENGTH });
  cipher.setAAD(Buffer.from(canonicalJson(header)));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(payload), 'utf8'), cipher.final()]);
  return {
    sealed: ALGORITHM,
    iv: iv.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    ciphertext: ciphertext.toString('base64'),
  };
}

/** Decrypts what `seal` made. The error says what is wrong, and nothing of what is inside. */
export function unseal(sealed: Json, header: JsonObject, key: KeyObject): Result<Json, string> {
  const parts = sealedSchema.safeParse(sealed);
  if (!parts.success) return err('the sealed payload is not well formed');
  const plaintext = decrypt(parts.data, header, key);
  if (plaintext === null) return err('the payload was sealed with another key, or changed on the way');
  const payload = parseJson(plaintext);
  return isBoundedJson(payload) ? ok(payload) : err('the sealed payload is not JSON, or nested too deeply');
}

function decrypt(
  { iv, tag, ciphertext }: z.output<typeof sealedSchema>,
  header: JsonObject,
  key: KeyObject,
): string | null {
  const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_LENGTH });
  decipher.setAAD(Buffer.from(canonicalJson(header)));
  decipher.setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
  } catch {
    // `final` throws when the tag does not match; node has no other way to say so.
    return null;
  }
}
