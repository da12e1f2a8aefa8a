import type * as Baileys from 'baileys';
import { isSignedBy } from './signature.ts';

/** Marks what has been put into the library already. */
const CHECKS = Symbol('checks servers');

/**
 * Adds what 7.0.0-rc14 leaves out when it looks whether a server is WhatsApp's. It counts for the whole process.
 *
 * - Its `Curve.verify` drops libsignal's answer and is true for every key: any server could be WhatsApp, and could link a device of its
 *   own making.
 * - That the key which the certificate is for is the one with which the server shakes hands is not looked at: anybody could show the
 *   certificate of the real one. In the handshake that key is agreed with just before the certificate is decoded.
 */
export function checkingServers(baileys: typeof Baileys): typeof Baileys {
  const { Curve, proto } = baileys;
  Curve.verify = isSignedBy;
  const { decode } = proto.CertChain;
  if (CHECKS in decode) return baileys;
  const { sharedKey } = Curve;
  let agreedWith: Uint8Array | null = null;
  Curve.sharedKey = (own, other) => {
    agreedWith = other;
    return sharedKey(own, other);
  };
  const checked: typeof decode = (...encoded) => {
    const chain = decode(...encoded);
    const { key } = proto.CertChain.NoiseCertificate.Details.decode(chain.leaf?.details ?? new Uint8Array());
    const expected = agreedWith;
    agreedWith = null;
    if (expected !== null && Buffer.compare(key ?? new Uint8Array(), expected) !== 0) {
      throw new Error('noise certificate is for another key');
    }
    return chain;
  };
  proto.CertChain.decode = Object.assign(checked, { [CHECKS]: true });
  return baileys;
}
