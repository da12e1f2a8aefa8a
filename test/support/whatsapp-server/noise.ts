import { createHash, hkdfSync } from 'node:crypto';
import { aesDecryptGCM, aesEncryptGCM, Curve, NOISE_MODE, NOISE_WA_HEADER, proto } from 'baileys';
import type { Certificate } from './certificate.ts';
import { ProtocolError } from './stanza.ts';

const KEY_BYTES = 32;
const NOTHING = Buffer.alloc(0);

/** Who is at the other end, once the handshake is done. */
export interface Client {
  /** The static key of the client, by which a linked device is known again. */
  readonly key: Buffer;
  readonly payload: proto.ClientPayload;
}

/**
 * The responder of `Noise_XX_25519_AESGCM_SHA256` (https://noiseprotocol.org/noise.html), with the header of WhatsApp as prologue,
 * the certificate chain as payload of the second message, and who the client is as payload of the third.
 */
export class NoiseResponder {
  readonly #certificate: Certificate;
  readonly #ephemeral = Curve.generateKeyPair();
  #hash: Buffer = Buffer.from(NOISE_MODE);
  #chainingKey = this.#hash;
  #key = this.#hash;
  #counter = 0;
  #incoming: Cipher | undefined;
  #outgoing: Cipher | undefined;

  constructor(certificate: Certificate) {
    this.#certificate = certificate;
    this.#mixHash(NOISE_WA_HEADER);
  }

  /** Takes the first message, `e`; the answer is the second: `e, ee, s, es`. */
  hello(frame: Uint8Array): Uint8Array {
    const ephemeral = keyIn(decodeHandshake(frame).clientHello?.ephemeral);
    this.#mixHash(ephemeral);
    this.#mixHash(this.#ephemeral.public);
    this.#mixKey(Curve.sharedKey(this.#ephemeral.private, ephemeral));
    const { key, chain } = this.#certificate;
    const sealedKey = this.#seal(key.public);
    this.#mixKey(Curve.sharedKey(key.private, ephemeral));
    const payload = this.#seal(chain);
    return proto.HandshakeMessage.encode({
      serverHello: { ephemeral: this.#ephemeral.public, static: sealedKey, payload },
    }).finish();
  }

  /** Takes the third message, `s, se`. From now on stanzas can be opened and sealed. */
  finish(frame: Uint8Array): Client {
    const { clientFinish } = decodeHandshake(frame);
    if (!clientFinish?.static || !clientFinish.payload) throw new ProtocolError('the handshake is not finished');
    const key = keyIn(this.#open(clientFinish.static));
    this.#mixKey(Curve.sharedKey(this.#ephemeral.private, key));
    const payload = proto.ClientPayload.decode(this.#open(clientFinish.payload));
    const [incoming, outgoing] = this.#split(NOTHING);
    this.#incoming = new Cipher(incoming);
    this.#outgoing = new Cipher(outgoing);
    return { key, payload };
  }

  open(ciphertext: Uint8Array): Buffer {
    if (!this.#incoming) throw new ProtocolError('a stanza before the handshake');
    return this.#incoming.open(ciphertext);
  }

  seal(plaintext: Uint8Array): Buffer {
    if (!this.#outgoing) throw new Error('a stanza before the handshake');
    return this.#outgoing.seal(plaintext);
  }

  #mixHash(data: Uint8Array): void {
    this.#hash = createHash('sha256').update(this.#hash).update(data).digest();
  }

  #mixKey(data: Uint8Array): void {
    [this.#chainingKey, this.#key] = this.#split(data);
    this.#counter = 0;
  }

  #split(data: Uint8Array): [Buffer, Buffer] {
    const both = Buffer.from(hkdfSync('sha256', data, this.#chainingKey, '', 2 * KEY_BYTES));
    return [both.subarray(0, KEY_BYTES), both.subarray(KEY_BYTES)];
  }

  #seal(plaintext: Uint8Array): Buffer {
    const ciphertext = aesEncryptGCM(plaintext, this.#key, nonce(this.#counter++), this.#hash);
    this.#mixHash(ciphertext);
    return ciphertext;
  }

  #open(ciphertext: Uint8Array): Buffer {
    const plaintext = decrypt(ciphertext, this.#key, this.#counter++, this.#hash);
    this.#mixHash(ciphertext);
    return plaintext;
  }
}

/** One direction of a connection after the handshake. */
class Cipher {
  readonly #key: Buffer;
  #counter = 0;

  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(plaintext: Uint8Array): Buffer {
    return aesEncryptGCM(plaintext, this.#key, nonce(this.#counter++), NOTHING);
  }

  open(ciphertext: Uint8Array): Buffer {
    return decrypt(ciphertext, this.#key, this.#counter++, NOTHING);
  }
}

function decodeHandshake(frame: Uint8Array): proto.HandshakeMessage {
  try {
    return proto.HandshakeMessage.decode(frame);
  } catch (cause) {
    throw new ProtocolError('not a message of the handshake', { cause });
  }
}

function decrypt(ciphertext: Uint8Array, key: Buffer, counter: number, additional: Uint8Array): Buffer {
  try {
    return aesDecryptGCM(ciphertext, key, nonce(counter), additional);
  } catch (cause) {
    throw new ProtocolError('it cannot be decrypted', { cause });
  }
}

function keyIn(bytes: Uint8Array | null | undefined): Buffer {
  if (bytes?.length !== KEY_BYTES) throw new ProtocolError('a key of the wrong length');
  return Buffer.from(bytes);
}

/** The counter in the last four of twelve bytes. */
function nonce(counter: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(counter, 8);
  return bytes;
}
