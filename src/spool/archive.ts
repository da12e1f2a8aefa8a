import type { Address, ConversationId, MessageId } from '../domain/addresses.ts';
import type { DeliveryStatus } from '../domain/delivery.ts';
import type { Message } from '../domain/message.ts';

export interface ConversationReport {
  readonly id: ConversationId;
  readonly messages: number;
  /** Who has written or was written to. */
  readonly participants: readonly Address[];
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly lastSubject: string;
}

/** A message with everybody that it was for. */
export interface AddressedMessage {
  readonly message: Message;
  readonly to: readonly Address[];
}

export interface Match extends AddressedMessage {
  /** The words around what was found, which is in [brackets]. */
  readonly snippet: string;
}

/** Something that happened to a delivery, in whatever process. */
export interface DeliveryChange {
  readonly event: 'accepted' | 'claimed' | 'settled';
  readonly id: MessageId;
  readonly from: Address;
  readonly to: Address;
  readonly subject: string;
  readonly conversation: ConversationId;
  /** `queued` of something settled: it was handed back. */
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly reason: string | null;
}

/** Remembers what it has seen, so that each look gives what has happened since. */
export interface Follower {
  look(): readonly DeliveryChange[];
}

/** What can be looked up in a spool beside its mailboxes. Notices of dead letters are Parley's own: they are not counted and not shown. */
export interface SpoolArchive {
  /** The most recent first. */
  conversations(options: { readonly limit: number; readonly participant?: Address }): readonly ConversationReport[];
  /** In the order of acceptance. */
  conversation(id: ConversationId): readonly AddressedMessage[];
  /** Messages in which all words of `text` are, best first; words in double quotes stand in this order. What was sealed is not found. */
  search(
    text: string,
    options: { readonly limit: number; readonly conversation?: ConversationId; readonly participant?: Address },
  ): Promise<readonly Match[]>;
  /** When the oldest message that is leased was accepted, epoch milliseconds; null when none is. */
  oldestLeased(): number | null;
  /** What is wrong with the database, one line each. Reads all of it. */
  problems(): readonly string[];
  /** What `cleanup` would do now. */
  previewCleanup(olderThan: number): Promise<{ readonly expired: number; readonly removed: number }>;
  /** What happens from now on. */
  follow(): Follower;
  /** Changes whenever another process has written something. */
  version(): number;
}
