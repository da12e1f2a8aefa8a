import type * as BaileysModule from 'baileys';
import { ParleyError } from '../../../domain/errors.ts';
import { isSignedBy } from './signature.ts';
import { withQuietLibsignal } from './silence.ts';

/** The library that speaks the protocol of WhatsApp Web. It is an optional dependency: everybody else takes it from here. */
export type Baileys = typeof BaileysModule;

/** The library, which checks servers then. Throws CONFIG_INVALID when it is not installed. */
export async function loadBaileys(): Promise<Baileys> {
  try {
    return await withQuietLibsignal(async () => checkingServers(await import('baileys')));
  } catch (cause) {
    throw new ParleyError('CONFIG_INVALID', 'WhatsApp needs the package baileys, which is not installed.', {
      hint: 'Run npm install without --omit=optional, or use another channel.',
      cause,
    });
  }
}

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
function checkingServers(baileys: Baileys): Baileys {
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

/**
 * Makes the library trust a server other than WhatsApp's, by the public key (32 bytes in hex) that signs its certificates. For tests:
 * it counts for the whole process.
 */
export function trustServer(baileys: Baileys, rootKey: string): void {
  baileys.WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootKey, 'hex');
}
