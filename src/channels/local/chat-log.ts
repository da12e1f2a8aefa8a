import type { Choice, Peer } from '../../domain/chat.ts';
import type { Write } from '../../domain/write.ts';

/** One bubble on the person's phone. */
export interface ChatEntry {
  /** The platform's id of the message: a second entry with the same id is the same bubble. */
  readonly id: string;
  /** Which of the phone's contacts the chat is with; in a group, through which of them the message went. */
  readonly account: string;
  readonly peer: Peer;
  readonly author: { readonly id: string; readonly name: string };
  /** The person wrote it. */
  readonly mine: boolean;
  readonly text: string;
  /** What can be chosen by a button under it. */
  readonly choices?: readonly Choice[];
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The phone's own memory, durable. */
export interface ChatLog {
  /** Resolves when the entry is on disk; false when that id was there already. */
  add(entry: ChatEntry): Promise<boolean>;
  /** The same, as a part of somebody else's transaction. */
  addition(entry: ChatEntry): Write;
  /** The newest `limit` entries, oldest first. */
  list(limit: number): readonly ChatEntry[];
}
