import { type BinaryNode, Curve, type KeyPair } from 'baileys';
import { type Address, userAddress } from './address.ts';
import { Inbox } from './inbox.ts';
import { type KeyBundle, PhoneKeys, type UploadedKeys } from './prekeys.ts';
import type { Session } from './session.ts';

/** A device that is linked to the phone of an account. */
export class Device {
  readonly account: Account;
  readonly id: number;
  /** The static key by which it logs in. */
  readonly key: Buffer;
  readonly keys: UploadedKeys;
  readonly inbox = new Inbox();
  /** Its connection, while it has one. */
  session: Session | null = null;
  /** The message that came last for it, and the key under which it settles that. */
  lastMessage: { readonly key: string; readonly stanza: BinaryNode } | null = null;

  constructor(account: Account, id: number, key: Buffer, keys: UploadedKeys) {
    this.account = account;
    this.id = id;
    this.key = key;
    this.keys = keys;
  }

  get jid(): string {
    return `${this.account.number}:${this.id}@s.whatsapp.net`;
  }

  get lidJid(): string {
    return `${this.account.lid}:${this.id}@lid`;
  }
}

/** A number, and the phone that it belongs to: device 0, which is not connected. */
export class Account {
  /** Digits only. */
  readonly number: string;
  /** The user part of the id by which others know the account where they do not see its number. */
  readonly lid: string;
  name: string | null = null;
  /** With which the phone signs the devices that are linked to it. */
  readonly identity: KeyPair = Curve.generateKeyPair();
  readonly phoneKeys = new PhoneKeys(this.identity);
  readonly devices = new Map<number, Device>();
  #lastDevice = 0;

  constructor(number: string, lid: string) {
    this.number = number;
    this.lid = lid;
  }

  get jid(): string {
    return `${this.number}@s.whatsapp.net`;
  }

  get lidJid(): string {
    return `${this.lid}@lid`;
  }

  nextDeviceId(): number {
    this.#lastDevice += 1;
    return this.#lastDevice;
  }

  keysOf(device: number): KeyBundle | undefined {
    return device === 0 ? this.phoneKeys : this.devices.get(device)?.keys;
  }
}

const NUMBER = /^[1-9]\d{5,14}$/;
/** Ids look unlike numbers, but are digits too. */
const FIRST_LID = 200_000_000_000_001n;

export class Accounts {
  readonly #byNumber = new Map<string, Account>();
  readonly #byLid = new Map<string, Account>();

  /** The account of a number, made when it is not there. */
  ensure(number: string): Account {
    const known = this.#byNumber.get(number);
    if (known) return known;
    if (!NUMBER.test(number)) throw new Error(`not a number (digits only, with the country code): ${number}`);
    const account = new Account(number, String(FIRST_LID + BigInt(this.#byNumber.size)));
    this.#byNumber.set(number, account);
    this.#byLid.set(account.lid, account);
    return account;
  }

  all(): Iterable<Account> {
    return this.#byNumber.values();
  }

  byNumber(number: string): Account | undefined {
    return this.#byNumber.get(number);
  }

  at({ user, server }: Address): Account | undefined {
    return server === 'lid' ? this.#byLid.get(user) : this.#byNumber.get(user);
  }

  /** The account that a JID, of whichever kind, belongs to. */
  of(jid: string): Account | undefined {
    return this.at(userAddress(jid));
  }
}
