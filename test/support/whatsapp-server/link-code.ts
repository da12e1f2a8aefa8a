import { createCipheriv, createDecipheriv, hkdfSync, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { aesDecryptGCM, type BinaryNode, Curve, type KeyPair } from 'baileys';
import { bytesOf, child, stanza } from './stanza.ts';

const deriveKey = promisify(pbkdf2);
const ITERATIONS = 131_072;
const KEY_BYTES = 32;
const SALT_BYTES = 32;
const IV_BYTES = 16;
const GCM_NONCE_BYTES = 12;
const REF_BYTES = 16;

/** The phone's part in linking by a code of eight characters that is typed into it. */
export class LinkCode {
  readonly #wrappedKey: Buffer;
  readonly #ref = randomBytes(REF_BYTES);
  #phone: KeyPair | undefined;
  #shared: Buffer | undefined;

  /** `hello`: what the new device sends when it shows the code. */
  constructor(hello: BinaryNode) {
    const length = SALT_BYTES + IV_BYTES + KEY_BYTES;
    this.#wrappedKey = bytesOf(child(hello, 'link_code_pairing_wrapped_companion_ephemeral_pub'), length);
  }

  get ref(): BinaryNode {
    return stanza('link_code_pairing_ref', {}, this.#ref);
  }

  /** The code was typed in: what the new device is to get. Whether the code was right shows later. */
  async enter(code: string, phone: KeyPair): Promise<BinaryNode> {
    const theirs = await unwrap(this.#wrappedKey, code);
    const ephemeral = Curve.generateKeyPair();
    this.#phone = phone;
    this.#shared = Curve.sharedKey(ephemeral.private, theirs);
    return stanza('link_code_companion_reg', { stage: 'primary_hello' }, [
      stanza('link_code_pairing_wrapped_primary_ephemeral_pub', {}, await wrap(ephemeral.public, code)),
      stanza('primary_identity_pub', {}, phone.public),
      this.ref,
    ]);
  }

  /** The secret that phone and device share, or undefined when the codes of the two were not the same. */
  finish(answer: BinaryNode): { readonly identity: Buffer; readonly secret: Buffer } | undefined {
    const identity = bytesOf(child(answer, 'companion_identity_public'), KEY_BYTES);
    const bundle = bytesOf(child(answer, 'link_code_pairing_wrapped_key_bundle'));
    if (!this.#shared || !this.#phone || !bytesOf(child(answer, 'link_code_pairing_ref')).equals(this.#ref)) {
      return undefined;
    }
    const plaintext = openBundle(bundle, this.#shared);
    if (!plaintext?.subarray(0, KEY_BYTES).equals(identity)) return undefined;
    const random = plaintext.subarray(2 * KEY_BYTES);
    const material = Buffer.concat([this.#shared, Curve.sharedKey(this.#phone.private, identity), random]);
    return { identity, secret: Buffer.from(hkdfSync('sha256', material, '', 'adv_secret', KEY_BYTES)) };
  }
}

/** The device's identity, the phone's and 32 random bytes, sealed under the shared key. */
function openBundle(bundle: Buffer, shared: Buffer): Buffer | undefined {
  const salt = bundle.subarray(0, SALT_BYTES);
  const nonce = bundle.subarray(SALT_BYTES, SALT_BYTES + GCM_NONCE_BYTES);
  const info = 'link_code_pairing_key_bundle_encryption_key';
  const key = Buffer.from(hkdfSync('sha256', shared, salt, info, KEY_BYTES));
  try {
    return aesDecryptGCM(bundle.subarray(SALT_BYTES + GCM_NONCE_BYTES), key, nonce, Buffer.alloc(0));
  } catch {
    return undefined;
  }
}

async function wrap(publicKey: Uint8Array, code: string): Promise<Buffer> {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-ctr', await keyFor(code, salt), iv);
  return Buffer.concat([salt, iv, cipher.update(publicKey), cipher.final()]);
}

async function unwrap(wrapped: Buffer, code: string): Promise<Buffer> {
  const iv = wrapped.subarray(SALT_BYTES, SALT_BYTES + IV_BYTES);
  const decipher = createDecipheriv('aes-256-ctr', await keyFor(code, wrapped.subarray(0, SALT_BYTES)), iv);
  return Buffer.concat([decipher.update(wrapped.subarray(SALT_BYTES + IV_BYTES)), decipher.final()]);
}

function keyFor(code: string, salt: Buffer): Promise<Buffer> {
  return deriveKey(code, salt, ITERATIONS, KEY_BYTES, 'sha256');
}
