import type { ChatIn, ChatOut, Media, Peer } from '../domain/chat.ts';
import type { Write } from '../domain/write.ts';

/** A chat message as the platform hands it over. */
export interface ChatArrival {
  /** The platform's id, unique on the channel: the same message, handed over twice, is accepted once. */
  readonly id: string;
  readonly chat: ChatIn;
  /** What the channel keeps of the message: committed together with its acceptance. */
  readonly also?: readonly Write[];
}

/**
 * Takes a message in. When it resolves with `accepted` or `duplicate` the message is durable, and only then may the channel tell
 * its platform so. `refused`: the gate did not let it through, or it is a reaction that is for nobody; the sender is not told. Rejects when it could not be stored.
 */
export type Receive = (arrival: ChatArrival) => Promise<'accepted' | 'duplicate' | 'refused'>;

/** A message for people, on its way out. */
export interface ChatDeparture {
  /** Given by us before the first try: the same id sent again appears once. */
  readonly id: string;
  readonly account: string;
  readonly chat: ChatOut;
}

/**
 * How a send has ended, when the platform has said so.
 *
 * - `sent`: the platform has it.
 * - `later`: not now, and nothing is wrong with the message: it waits, however often, for `delayMs` at least.
 * - `refused`: never; why, in words for whoever runs the account.
 */
export type SendOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'later'; readonly reason: string; readonly delayMs: number }
  | { readonly kind: 'refused'; readonly reason: string };

/** A chat platform. Every adapter passes the contract suite in test/contract/channel.ts. */
export interface Channel {
  readonly name: string;
  /** What the platform can do: `groups`, chats of several people that we can open; the longest text of one message, in UTF-16 code units. */
  readonly capabilities: { readonly groups: boolean; readonly longestText: number };
  start(receive: Receive): Promise<void>;
  /** Resolves when the platform has answered. Rejects with CHANNEL_SEND_FAILED when that is not known, and it is worth trying again. */
  send(departure: ChatDeparture): Promise<SendOutcome>;
  /** The number or handle of an account, once it is known. */
  numberOf?(account: string): string | null;
  /** Why the platform takes no such file, in words; null: it does. Not there where no file can be sent. */
  fileRefusal?(file: { readonly mime: string; readonly bytes: number }): string | null;
  /** The account's agent begins or ceases to write in a chat. Where the platform cannot show it, nothing happens. */
  typing(account: string, peer: Peer, on: boolean): void;
  /** The bytes of a file that came with a message. Rejects with MEDIA_UNAVAILABLE when it is gone or has more than `maxBytes`, else with CHANNEL_SEND_FAILED. */
  fetch?(account: string, media: Media, maxBytes: number): Promise<Uint8Array>;
  /** Idempotent; resolves when nothing is under way any more. */
  stop(): Promise<void>;
}
