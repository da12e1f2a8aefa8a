import { createRequire } from 'node:module';

/** What is used of libsignal, which has no types for it. It throws for what is no key or no signature at all. */
interface Curve {
  verifySignature(publicKey: Buffer, message: Uint8Array, signature: Uint8Array): boolean;
}

const KEY_BYTES = 32;
/** Stands before a key of Curve25519, for libsignal. */
const KEY_TYPE = Buffer.of(5);

/** Whether the owner of a public key (32 bytes, or 33 with the type before it) has signed a message. */
export function isSignedBy(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = publicKey.length === KEY_BYTES ? Buffer.concat([KEY_TYPE, publicKey]) : Buffer.from(publicKey);
  const curve = libsignalCurve();
  try {
    return curve.verifySignature(key, message, signature);
  } catch {
    return false;
  }
}

/** That of Baileys: it is an optional dependency, loaded where it is needed. */
function libsignalCurve(): Curve {
  const require = createRequire(import.meta.url);
  return createRequire(require.resolve('baileys'))('libsignal/src/curve.js') as Curve;
}
