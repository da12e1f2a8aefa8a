import { Curve, hmacSign, type KeyPair, proto, WA_ADV_ACCOUNT_SIG_PREFIX, WA_ADV_DEVICE_SIG_PREFIX } from 'baileys';
import { isSignedBy } from '../../../src/channels/whatsapp/baileys/signature.ts';
import { ProtocolError, timestamp } from './stanza.ts';

/** The identity of a linked device, signed by the phone; the device has to sign it, too. */
export interface DeviceIdentity {
  readonly details: Uint8Array;
  /** With the phone's signature, and a MAC under the secret that only the phone and the new device have. */
  readonly sealed: Uint8Array;
}

export function certifyDevice(
  phone: KeyPair,
  device: { readonly id: number; readonly identity: Buffer; readonly secret: Buffer },
): DeviceIdentity {
  const details = proto.ADVDeviceIdentity.encode({
    rawId: device.id,
    timestamp: timestamp(),
    keyIndex: device.id,
    accountType: proto.ADVEncryptionType.E2EE,
    deviceType: proto.ADVEncryptionType.E2EE,
  }).finish();
  const signed = Buffer.concat([WA_ADV_ACCOUNT_SIG_PREFIX, details, device.identity]);
  const identity = proto.ADVSignedDeviceIdentity.encode({
    details,
    accountSignatureKey: phone.public,
    accountSignature: Curve.sign(phone.private, signed),
  }).finish();
  const hmac = hmacSign(identity, device.secret);
  return { details, sealed: proto.ADVSignedDeviceIdentityHMAC.encode({ details: identity, hmac }).finish() };
}

/** Throws a ProtocolError unless the device has signed what `certifyDevice` gave it. */
export function verifyDeviceSignature(
  answer: Uint8Array,
  expected: { readonly details: Uint8Array; readonly identity: Buffer; readonly phone: Uint8Array },
): void {
  const { deviceSignature } = decode(answer);
  const signed = Buffer.concat([WA_ADV_DEVICE_SIG_PREFIX, expected.details, expected.identity, expected.phone]);
  if (!deviceSignature || !isSignedBy(expected.identity, signed, deviceSignature)) {
    throw new ProtocolError('a device that has not signed its identity');
  }
}

function decode(bytes: Uint8Array): proto.ADVSignedDeviceIdentity {
  try {
    return proto.ADVSignedDeviceIdentity.decode(bytes);
  } catch (cause) {
    throw new ProtocolError('not the identity of a device', { cause });
  }
}
