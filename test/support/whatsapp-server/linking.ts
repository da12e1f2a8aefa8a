import { randomBytes } from 'node:crypto';
import { type BinaryNode, getBinaryNodeChild, type proto, S_WHATSAPP_NET } from 'baileys';
import { type Account, Device } from './accounts.ts';
import { userAddress } from './address.ts';
import type { Connection } from './connection.ts';
import { certifyDevice, type DeviceIdentity, verifyDeviceSignature } from './device-identity.ts';
import { LinkCode } from './link-code.ts';
import type { Network } from './network.ts';
import { signedKeyNode, UploadedKeys } from './prekeys.ts';
import { attribute, bytesOf, child, failure, firstChild, ProtocolError, result, stanza, timestamp } from './stanza.ts';

const REFS = 6;
const REF_BYTES = 16;
const KEY_BYTES = 32;

interface Pairing {
  readonly device: Device;
  readonly identity: DeviceIdentity;
  readonly queryId: string;
}

/** A connection of a client that belongs to no account yet. */
export class Linking {
  readonly #network: Network;
  readonly #connection: Connection;
  /** The key by which the device will log in. */
  readonly #key: Buffer;
  readonly #registration: proto.ClientPayload.IDevicePairingRegistrationData;
  readonly #refs = Array.from({ length: REFS }, () => `2@${randomBytes(REF_BYTES).toString('base64url')}`);
  /** Settled when the phone's attempt to link it has come to an end. */
  #attempt: PromiseWithResolvers<void> | undefined;
  #code: { readonly link: LinkCode; readonly number: string; account: Account | undefined } | undefined;
  #pairing: Pairing | undefined;

  constructor(
    network: Network,
    connection: Connection,
    key: Buffer,
    registration: proto.ClientPayload.IDevicePairingRegistrationData,
  ) {
    this.#network = network;
    this.#connection = connection;
    this.#key = key;
    this.#registration = registration;
    network.linkings.add(this);
    const refs = this.#refs.map((ref) => stanza('ref', {}, Buffer.from(ref)));
    connection.send(this.#query([stanza('pair-device', {}, refs)]).node);
  }

  /** Of which number the device asks to become a part, by a code; null if it does not. */
  get asksFor(): string | null {
    return this.#code?.number ?? null;
  }

  shows(ref: string): boolean {
    return this.#refs.includes(ref);
  }

  /** The phone has read the QR code. Resolves when the device is linked, rejects when it hangs up before. */
  scanned(
    account: Account,
    code: { readonly key: Buffer; readonly identity: Buffer; readonly secret: Buffer },
  ): Promise<void> {
    if (!code.key.equals(this.#key)) throw new Error('the QR code shows the key of another connection');
    const attempt = this.#begin();
    this.#pair(account, code.identity, code.secret);
    return attempt;
  }

  /** The code was typed into the phone. Resolves when the device is linked, rejects when it was the wrong one. */
  async entered(account: Account, code: string): Promise<void> {
    if (!this.#code) throw new Error('the device does not ask to be linked by a code');
    this.#code.account = account;
    const attempt = this.#begin();
    const hello = await this.#code.link.enter(code, account.identity);
    const attributes = { id: this.#network.nextId(), t: timestamp(), from: S_WHATSAPP_NET };
    this.#connection.send(stanza('notification', { ...attributes, type: 'link_code_companion_reg' }, [hello]));
    return attempt;
  }

  handle(node: BinaryNode): void {
    if (node.tag === 'iq') this.#handleQuery(node);
    else if (!['ack', 'ib', 'presence'].includes(node.tag)) {
      throw new ProtocolError(`<${node.tag}> of a device that is not linked`);
    }
  }

  closed(): void {
    this.#network.linkings.delete(this);
    this.#attempt?.reject(new Error('the device hung up before it was linked'));
  }

  #begin(): Promise<void> {
    this.#attempt = Promise.withResolvers();
    this.#attempt.promise.catch(() => undefined);
    return this.#attempt.promise;
  }

  #handleQuery(node: BinaryNode): void {
    if (node.attrs['type'] === 'result') {
      if (this.#pairing && attribute(node, 'id') === this.#pairing.queryId) this.#finish(node, this.#pairing);
      return;
    }
    const code = getBinaryNodeChild(node, 'link_code_companion_reg');
    if (code) this.#handleCode(node, code);
    else this.#connection.send(result(node));
  }

  #handleCode(query: BinaryNode, node: BinaryNode): void {
    switch (attribute(node, 'stage')) {
      case 'companion_hello': {
        const link = new LinkCode(node);
        this.#code = { link, number: userAddress(attribute(node, 'jid')).user, account: undefined };
        this.#connection.send(result(query, stanza('link_code_companion_reg', {}, [link.ref])));
        this.#network.linkRequested();
        return;
      }
      case 'companion_finish': {
        const agreed = this.#code?.link.finish(node);
        if (!agreed || !this.#code?.account) {
          this.#connection.send(failure(query, 400, 'bad-request'));
          this.#code = undefined;
          this.#attempt?.reject(new Error('the code is not the one that the device shows'));
          return;
        }
        this.#connection.send(result(query));
        this.#pair(this.#code.account, agreed.identity, agreed.secret);
        return;
      }
      default:
        throw new ProtocolError('an unknown stage of linking by code');
    }
  }

  #pair(account: Account, identity: Buffer, secret: Buffer): void {
    const device = new Device(account, account.nextDeviceId(), this.#key, this.#registeredKeys(identity));
    const certified = certifyDevice(account.identity, { id: device.id, identity, secret });
    const { id, node } = this.#query([
      stanza('pair-success', {}, [
        stanza('device-identity', {}, certified.sealed),
        stanza('platform', { name: 'android' }),
        stanza('device', { jid: device.jid, lid: device.lidJid }),
        ...(account.name === null ? [] : [stanza('biz', { name: account.name })]),
      ]),
    ]);
    this.#pairing = { device, identity: certified, queryId: id };
    this.#connection.send(node);
  }

  #registeredKeys(identity: Buffer): UploadedKeys {
    const { eIdent, eRegid, eSkeyId, eSkeyVal, eSkeySig } = this.#registration;
    if (!eIdent || !eRegid || !eSkeyId || !eSkeyVal || !eSkeySig || !identity.equals(eIdent)) {
      throw new ProtocolError('a registration that does not fit the device');
    }
    return new UploadedKeys(identity, Buffer.from(eRegid), signedKeyNode(eSkeyId, eSkeyVal, eSkeySig));
  }

  #finish(node: BinaryNode, { device, identity: { details } }: Pairing): void {
    const answer = bytesOf(child(firstChild(node), 'device-identity'));
    const { identity } = device.keys;
    verifyDeviceSignature(answer, { details, identity, phone: device.account.identity.public });
    this.#network.link(device);
    this.#connection.send(stanza('stream:error', { code: 515 }));
    this.#connection.close();
    this.#attempt?.resolve();
  }

  #query(content: BinaryNode[]): { readonly id: string; readonly node: BinaryNode } {
    const id = this.#network.nextId();
    return { id, node: stanza('iq', { from: S_WHATSAPP_NET, type: 'set', xmlns: 'md', id }, content) };
  }
}

/** What a QR code says. Throws when it is none of WhatsApp's. */
export function parseQrCode(qr: string): { ref: string; key: Buffer; identity: Buffer; secret: Buffer } {
  const [ref = '', ...keys] = qr.slice(qr.indexOf('#') + 1).split(',');
  const [key, identity, secret] = keys.map((text) => Buffer.from(text, 'base64'));
  if (key?.length !== KEY_BYTES || identity?.length !== KEY_BYTES || secret?.length !== KEY_BYTES) {
    throw new Error('not a QR code for linking a device');
  }
  return { ref, key, identity, secret };
}
