import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Certificate,
  createRoot,
  issueCertificate,
  type Root,
} from '../../../../test/support/whatsapp-server/certificate.ts';
import { NoiseResponder } from '../../../../test/support/whatsapp-server/noise.ts';
import { silentLogger } from '../../../lib/logger.ts';
import { loadBaileys, trustServer } from './baileys.ts';
import { baileysLogger } from './baileys-logger.ts';
import { isSignedBy } from './signature.ts';

const baileys = await loadBaileys();
const { Curve, generateSignalPubKey, proto, NOISE_WA_HEADER } = baileys;
const ann = Curve.generateKeyPair();
const bob = Curve.generateKeyPair();
const message = Buffer.from('hello');
const signature = Curve.sign(ann.private, message);
const changed = Buffer.from(signature);
changed.writeUInt8(changed.readUInt8(7) ^ 1, 7);

describe('a signature', () => {
  it('[SEC-05] is the one of who has signed, whichever way the key and the bytes come', () => {
    expect(isSignedBy(ann.public, message, signature)).toBe(true);
    expect(isSignedBy(generateSignalPubKey(ann.public), message, signature)).toBe(true);
    const plain = Uint8Array.from(generateSignalPubKey(ann.public));
    expect(isSignedBy(plain, message, signature)).toBe(true);
    expect(isSignedBy(plain.subarray(1), Uint8Array.from(message), Uint8Array.from(signature))).toBe(true);
  });

  it.each([
    ['of somebody else', bob.public, message, signature],
    ['of somebody else, with the type of the key', generateSignalPubKey(bob.public), message, signature],
    ['of another type of key', Buffer.concat([Buffer.of(6), ann.public]), message, signature],
    ['of a key of zeros', Buffer.alloc(32), message, signature],
    ['of zeros, by a key of zeros', Buffer.alloc(32), message, Buffer.alloc(64)],
    ['of a random key', randomBytes(32), message, signature],
    ['of no key', Buffer.alloc(0), message, signature],
    ['under another message', ann.public, Buffer.from('hallo'), signature],
    ['under nothing', ann.public, Buffer.alloc(0), signature],
    ['that was changed', ann.public, message, changed],
    ['at random', ann.public, message, randomBytes(64)],
    ['that is too short', ann.public, message, signature.subarray(1)],
  ])('[SEC-05] is none %s', (_what, key, said, signed) => {
    expect(isSignedBy(key, said, signed)).toBe(false);
    // What the library checks a server's certificate with, and the phone that links it.
    expect(Curve.verify(key, said, signed)).toBe(false);
  });
});

/** Shakes hands with a server of this certificate, as the library does it. */
function shakeHands(certificate: Certificate, trusted: Root): void {
  trustServer(baileys, Buffer.from(trusted.public).toString('hex'));
  const keyPair = Curve.generateKeyPair();
  const logger = baileysLogger(silentLogger, 'atlas');
  const noise = baileys.makeNoiseHandler({ keyPair, NOISE_HEADER: NOISE_WA_HEADER, logger });
  const hello = proto.HandshakeMessage.encode({ clientHello: { ephemeral: keyPair.public } }).finish();
  const answer = new NoiseResponder(certificate).hello(hello);
  noise.processHandshake(proto.HandshakeMessage.decode(answer), Curve.generateKeyPair());
}

describe('the certificate of a server', () => {
  const root = createRoot();
  const genuine = issueCertificate(root);
  const forged = issueCertificate(createRoot());
  // Before anybody shakes hands: after that, the library compares what it decodes.
  const { intermediate } = proto.CertChain.decode(genuine.chain);
  const { leaf } = proto.CertChain.decode(forged.chain);

  it('[SEC-05] [WHA-05] is taken when the root has signed it', () => {
    expect(() => shakeHands(genuine, root)).not.toThrow();
  });

  it('[SEC-05] [WHA-05] is not taken when another root has signed it', () => {
    expect(() => shakeHands(forged, root)).toThrow('noise intermediate certificate signature invalid');
    expect(() => shakeHands(genuine, { ...root, public: Buffer.alloc(32) })).toThrow('signature invalid');
  });

  it('[SEC-05] [WHA-05] is not taken from somebody else, who has seen it', () => {
    expect(() => shakeHands({ ...forged, chain: genuine.chain }, root)).toThrow('noise certificate is for another key');
    // Whatever became of the one before.
    expect(() => shakeHands(genuine, root)).not.toThrow();
  });

  it('[SEC-05] [WHA-05] is not taken with the genuine intermediate, which everybody can have, and a key of its own', () => {
    const chain = proto.CertChain.encode({ intermediate: intermediate ?? null, leaf: leaf ?? null }).finish();
    expect(() => shakeHands({ ...forged, chain }, root)).toThrow('noise certificate signature invalid');
  });
});
