import type { Write } from './write.ts';

/** One part of an envelope that is longer than a message of the chat it comes over. */
export interface StoredPart {
  readonly recipient: string;
  /** Who sent it, by the id that the chat has for them: others cannot add to it. */
  readonly sender: string;
  readonly id: string;
  readonly part: number;
  readonly parts: number;
  readonly text: string;
}

/** What has come of envelopes that are not complete yet. */
export interface EnvelopePartStore {
  /** The whole text, if this is the part that was missing. */
  complete(part: StoredPart): string | null;
  put(part: StoredPart): Write;
  /** Forgets the parts of an envelope. */
  remove(part: StoredPart): Write;
}
