import { Curve, type KeyPair, proto } from 'baileys';

/** What clients have to trust; a server signs its own certificate with it. */
export type Root = KeyPair;

/** How a server proves itself in the handshake. */
export interface Certificate {
  readonly root: Root;
  /** The static key of the handshake, which the leaf of the chain certifies. */
  readonly key: KeyPair;
  /** The encoded chain: a leaf, signed by an intermediate, signed by the root. */
  readonly chain: Uint8Array;
}

const YEAR_2100_S = 4_102_444_800;

export function createRoot(): Root {
  return Curve.generateKeyPair();
}

export function issueCertificate(root: Root): Certificate {
  const intermediate = Curve.generateKeyPair();
  const key = Curve.generateKeyPair();
  const signed = (issuer: KeyPair, serial: number, subject: KeyPair): proto.CertChain.INoiseCertificate => {
    const details = proto.CertChain.NoiseCertificate.Details.encode({
      serial,
      issuerSerial: serial - 1,
      key: subject.public,
      notBefore: 0,
      notAfter: YEAR_2100_S,
    }).finish();
    return { details, signature: Curve.sign(issuer.private, details) };
  };
  const chain = proto.CertChain.encode({
    intermediate: signed(root, 1, intermediate),
    leaf: signed(intermediate, 2, key),
  }).finish();
  return { root, key, chain };
}
