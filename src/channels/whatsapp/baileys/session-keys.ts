import { AsyncLocalStorage } from 'node:async_hooks';
import type {
  AuthenticationCreds,
  SignalDataSet,
  SignalDataTypeMap,
  SignalKeyStore,
  SignalKeyStoreWithTransaction,
} from 'baileys';
import type { Baileys } from './baileys.ts';
import { Serial } from './serial.ts';
import type { KeyWrites, WhatsAppSessions } from './sessions.ts';

/** What a piece of work has written, and nobody else sees yet. */
interface Held {
  writes: Map<string, string | null>;
  over: boolean;
}

const CREDS = 'creds';
/** This lock is the library's own: it may be asked for by what a holder of the other waits for. */
const MAPPING_LOCK = 'lid-mapping';

/**
 * The keys of an account's device: credentials, and the state of its encrypted conversations ("sessions", of which each message
 * moves the ratchet one step). Nothing is cached: what is not committed is not there after a rollback either.
 */
export class SessionKeys implements SignalKeyStoreWithTransaction {
  readonly #baileys: Baileys;
  readonly #sessions: WhatsAppSessions;
  readonly #account: string;
  readonly #held = new AsyncLocalStorage<Held>();
  readonly #mappings = new Serial();
  /**
   * One lock for all conversations. The library's own are named after the address that a caller used, of which a person has two;
   * and inside its lock for sending it takes none, so that a message sent could undo the step of one received at that moment.
   */
  readonly #conversations = new Serial();
  #saved: Promise<void> = Promise.resolve();

  constructor(baileys: Baileys, sessions: WhatsAppSessions, account: string) {
    this.#baileys = baileys;
    this.#sessions = sessions;
    this.#account = account;
  }

  /** The credentials of a device that was linked; null when none is. */
  creds(): AuthenticationCreds | null {
    const text = this.#sessions.keys(this.#account, [CREDS]).get(CREDS);
    return text === undefined ? null : (this.#parse(text) as AuthenticationCreds);
  }

  saveCreds(creds: AuthenticationCreds): Promise<void> {
    const saving = this.#write(new Map([[CREDS, this.#text(creds)]]), true);
    this.#saved = saving.catch(() => undefined);
    return saving;
  }

  /** Resolves when no credentials are on their way any more: the next connection must not begin without those of the last. */
  saved(): Promise<void> {
    return this.#saved;
  }

  /** Keys for what is not a conversation: each change is committed by itself. */
  get direct(): SignalKeyStore {
    return { get: (type, ids) => this.#read(type, ids, null), set: (data) => this.#write(this.#flat(data), true) };
  }

  async get<T extends keyof SignalDataTypeMap>(
    type: T,
    ids: string[],
  ): Promise<{ [id: string]: SignalDataTypeMap[T] }> {
    return this.#read(type, ids, this.#current());
  }

  async set(data: SignalDataSet): Promise<void> {
    const writes = this.#flat(data);
    const held = this.#current();
    if (!held) return await this.#write(writes, true);
    for (const [name, value] of writes) held.writes.set(name, value);
  }

  isInTransaction(): boolean {
    return this.#current() !== null;
  }

  /**
   * Commits what `work` writes when it has succeeded, before anything that it encrypted leaves: after a crash, no step of the ratchet
   * is taken twice. A power failure may undo a step; the recipient then asks for the message again.
   */
  transaction<T>(work: () => Promise<T>, key: string): Promise<T> {
    if (this.isInTransaction()) return work();
    const lock = key === MAPPING_LOCK ? this.#mappings : this.#conversations;
    return lock.run(() =>
      this.#hold(async (held) => {
        const result = await work();
        await this.#write(held.writes, false);
        return result;
      }),
    );
  }

  /** The same, but `work` itself commits what it was given of the writes; when it throws, they are gone. */
  holding<T>(work: (writes: () => KeyWrites) => Promise<T>): Promise<T> {
    return this.#conversations.run(() => this.#hold((held) => work(() => new Map(held.writes))));
  }

  /** Resolves when what was begun before is over. */
  settled(): Promise<void> {
    return this.#conversations.run(async () => {});
  }

  /** Inside `holding`: when `work` throws, what it has written so far is taken back, and nothing else. */
  async attempt<T>(work: () => Promise<T>): Promise<T> {
    const held = this.#current();
    const before = held && new Map(held.writes);
    try {
      return await work();
    } catch (error) {
      if (held && before) held.writes = before;
      throw error;
    }
  }

  async #hold<T>(work: (held: Held) => Promise<T>): Promise<T> {
    const held: Held = { writes: new Map(), over: false };
    try {
      return await this.#held.run(held, () => work(held));
    } finally {
      held.over = true;
    }
  }

  /** Something that was begun inside and goes on afterwards is on its own. */
  #current(): Held | null {
    const held = this.#held.getStore();
    return held && !held.over ? held : null;
  }

  #read<T extends keyof SignalDataTypeMap>(
    type: T,
    ids: readonly string[],
    held: Held | null,
  ): { [id: string]: SignalDataTypeMap[T] } {
    const names = new Map(ids.map((id) => [id, `${type}:${id}`]));
    const stored = this.#sessions.keys(this.#account, [...names.values()]);
    const found: { [id: string]: SignalDataTypeMap[T] } = {};
    for (const [id, name] of names) {
      const text = held?.writes.has(name) ? held.writes.get(name) : stored.get(name);
      if (typeof text === 'string') found[id] = this.#value(type, text);
    }
    return found;
  }

  #value<T extends keyof SignalDataTypeMap>(type: T, text: string): SignalDataTypeMap[T] {
    const value = this.#parse(text);
    const isMessage = type === 'app-state-sync-key' && typeof value === 'object' && value !== null;
    const revived: unknown = isMessage ? this.#baileys.proto.Message.AppStateSyncKeyData.fromObject(value) : value;
    return revived as SignalDataTypeMap[T];
  }

  #flat(data: SignalDataSet): Map<string, string | null> {
    const flat = new Map<string, string | null>();
    for (const [type, values] of Object.entries(data)) {
      for (const [id, value] of Object.entries(values)) {
        flat.set(`${type}:${id}`, value === null || value === undefined ? null : this.#stored(type, value));
      }
    }
    return flat;
  }

  /**
   * A group's key is JSON already, which the library writes in one form of bytes and reads in another: the keys of messages that were
   * overtaken by others come back as something else, and these messages could never be read.
   */
  #stored(type: string, value: unknown): string {
    if (type !== 'sender-key' || !(value instanceof Uint8Array)) return this.#text(value);
    const key = this.#text(this.#parse(Buffer.from(value).toString()));
    return this.#text(Buffer.from(key));
  }

  async #write(writes: KeyWrites, durable: boolean): Promise<void> {
    if (writes.size > 0) await this.#sessions.commit([this.#sessions.putKeys(this.#account, writes)], { durable });
  }

  #text(value: unknown): string {
    return JSON.stringify(value, this.#baileys.BufferJSON.replacer);
  }

  #parse(text: string): unknown {
    return JSON.parse(text, this.#baileys.BufferJSON.reviver);
  }
}
