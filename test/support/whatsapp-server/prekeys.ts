import { randomBytes } from 'node:crypto';
import {
  type BinaryNode,
  Curve,
  generateSignalPubKey,
  getBinaryNodeChildren,
  KEY_BUNDLE_TYPE,
  type KeyPair,
  S_WHATSAPP_NET,
  signedKeyPair,
  xmppPreKey,
  xmppSignedPreKey,
} from 'baileys';
import { isSignedBy } from '../../../src/channels/whatsapp/baileys/signature.ts';
import { bytesOf, child, ProtocolError, stanza } from './stanza.ts';

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 3;
const REGISTRATION_BYTES = 4;
/** With fewer one-time keys left than this, the device is told to upload more. */
export const FEW_PREKEYS = 5;

/** The public keys with which others begin a Signal session with a device. */
export interface KeyBundle {
  /** As children of the `<user>` in an answer. A one-time key is in it if there is any left, and then no more. */
  take(): BinaryNode[];
}

/** What a linked device uploaded. */
export class UploadedKeys implements KeyBundle {
  readonly identity: Buffer;
  #registration: BinaryNode;
  #signed: BinaryNode;
  readonly #oneTime = new Map<string, BinaryNode>();

  /** With what it registered, before its first upload. Throws a ProtocolError when the key is not signed by the identity. */
  constructor(identity: Buffer, registrationId: Buffer, signed: BinaryNode) {
    this.identity = identity;
    this.#registration = stanza('registration', {}, registrationId);
    this.#signed = verified(signed, identity);
  }

  /** How many one-time keys are left. */
  get count(): number {
    return this.#oneTime.size;
  }

  /** Takes an upload: the `<iq xmlns="encrypt" type="set">`. */
  upload(query: BinaryNode): void {
    if (!bytesOf(child(query, 'identity'), KEY_BYTES).equals(this.identity)) {
      throw new ProtocolError('prekeys of another identity');
    }
    if (!bytesOf(child(query, 'type')).equals(KEY_BUNDLE_TYPE)) throw new ProtocolError('prekeys of an unknown type');
    const registrationId = bytesOf(child(query, 'registration'), REGISTRATION_BYTES);
    const keys = getBinaryNodeChildren(child(query, 'list'), 'key');
    if (keys.length === 0) throw new ProtocolError('an upload without prekeys');
    for (const key of keys) bytesOf(child(key, 'value'), KEY_BYTES);
    this.rotate(child(query, 'skey'));
    this.#registration = stanza('registration', {}, registrationId);
    for (const key of keys) this.#oneTime.set(bytesOf(child(key, 'id'), KEY_ID_BYTES).toString('hex'), key);
  }

  /** Takes a new signed key. */
  rotate(signed: BinaryNode): void {
    this.#signed = verified(signed, this.identity);
  }

  /** As if others had used them up. */
  discard(): void {
    this.#oneTime.clear();
  }

  take(): BinaryNode[] {
    const [next] = this.#oneTime;
    if (next) this.#oneTime.delete(next[0]);
    return bundle(this.#registration, this.identity, this.#signed, next?.[1]);
  }
}

/** The keys of a phone, so that messages can be encrypted for it. Nobody reads those. */
export class PhoneKeys implements KeyBundle {
  readonly #identity: KeyPair;
  readonly #registration = stanza('registration', {}, randomBytes(REGISTRATION_BYTES).fill(0, 0, 2));
  readonly #signed: BinaryNode;
  #nextId = 1;

  constructor(identity: KeyPair) {
    this.#identity = identity;
    this.#signed = xmppSignedPreKey(signedKeyPair(identity, 1));
  }

  take(): BinaryNode[] {
    const oneTime = xmppPreKey(Curve.generateKeyPair(), this.#nextId++);
    return bundle(this.#registration, this.#identity.public, this.#signed, oneTime);
  }
}

/** What tells a device how many one-time keys it has left. */
export function prekeyNotice(id: string, count: number, t: number): BinaryNode {
  return stanza('notification', { id, t, from: S_WHATSAPP_NET, type: 'encrypt' }, [stanza('count', { value: count })]);
}

/** The signed key in the registration of a new device, as a node. */
export function signedKeyNode(id: Uint8Array, value: Uint8Array, signature: Uint8Array): BinaryNode {
  return stanza('skey', {}, [stanza('id', {}, id), stanza('value', {}, value), stanza('signature', {}, signature)]);
}

function bundle(
  registration: BinaryNode,
  identity: Uint8Array,
  signed: BinaryNode,
  oneTime: BinaryNode | undefined,
): BinaryNode[] {
  const type = stanza('type', {}, KEY_BUNDLE_TYPE);
  return [registration, type, stanza('identity', {}, identity), signed, ...(oneTime ? [oneTime] : [])];
}

function verified(signed: BinaryNode, identity: Buffer): BinaryNode {
  bytesOf(child(signed, 'id'), KEY_ID_BYTES);
  const value = bytesOf(child(signed, 'value'), KEY_BYTES);
  const signature = bytesOf(child(signed, 'signature'), SIGNATURE_BYTES);
  if (!isSignedBy(identity, generateSignalPubKey(value), signature)) {
    throw new ProtocolError('a signed prekey that its identity has not signed');
  }
  return signed;
}
