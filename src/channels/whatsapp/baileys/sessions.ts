import type { Write } from '../../../domain/write.ts';

/** Secrets by name, null where one is taken away. Never to be logged. */
export type KeyWrites = ReadonlyMap<string, string | null>;

/** One human being, who has a hidden id (LID) and mostly a phone number. */
export interface Person {
  /** What the rest of Parley calls them, for ever: `+<digits>` when the phone was known at first sight, else `<digits>@lid`. */
  readonly id: string;
  /** `<digits>@lid`. */
  readonly lid: string | null;
  /** `+<digits>`. */
  readonly phone: string | null;
  /** What they call themselves, in one line. */
  readonly name: string | null;
}

/** What is kept of a message that was received: enough to recognise, quote, react to and acknowledge it. */
export interface ReceivedMessage {
  /** As given to `receive`. */
  readonly id: string;
  /** The chat, and in a group the author, as WhatsApp addressed them; WhatsApp's id of the message. */
  readonly jid: string;
  readonly participant: string | null;
  readonly stanza: string;
  /** The beginning of the text, to be shown where it is quoted. */
  readonly quote: string;
}

/** What is kept of a message that was sent: WhatsApp asks for its content again when a recipient could not decrypt it. */
export interface SentMessage {
  readonly account: string;
  /** WhatsApp's id of it, given by us. */
  readonly stanza: string;
  readonly jid: string;
  /** Our id of what it is, or is a part of; null when an older Parley has sent it. */
  readonly departure: string | null;
  /** The message as it goes into the encryption. */
  readonly content: Uint8Array;
  /** The server has said that it has it. */
  readonly acked: boolean;
}

/** What a linked device remembers. Reads are immediate; a `Write` is made in whichever transaction it is given to. */
export interface WhatsAppSessions {
  /** The values that are there, by name. */
  keys(account: string, names: readonly string[]): ReadonlyMap<string, string>;
  putKeys(account: string, keys: KeyWrites): Write;
  /** Forgets all keys of an account, whose device is linked no more. */
  forget(account: string): Write;

  /** The person behind a LID, a phone number or both. With another LID, who has or had the number is somebody else. */
  person(lid: string | null, phone: string | null): Person | null;
  /** Keeps what is known of a person; two that turn out to be one become the one that was seen first. */
  putPerson(person: Person): Write;

  received(id: string): ReceivedMessage | null;
  putReceived(message: ReceivedMessage): Write;
  sent(account: string, stanza: string): SentMessage | null;
  /** Keeps the message, unless it is kept already. */
  putSent(message: Omit<SentMessage, 'acked'>): Write;
  ackSent(account: string, stanza: string): Write;

  /**
   * Makes `holder` the owner of an account for `ttlMs`, or for so much longer, unless somebody else owns it whom `gone` does not
   * call dead. Returns the owner.
   */
  own(account: string, holder: string, ttlMs: number, gone: (holder: string) => boolean): Promise<string>;
  /** Gives up the account, if `holder` owns it. */
  disown(account: string, holder: string): Promise<void>;

  /** Commits the writes together. `durable` (default true): also against a power failure. */
  commit(writes: readonly Write[], options?: { readonly durable?: boolean }): Promise<void>;
}
