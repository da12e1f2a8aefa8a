import type { Choice } from '../../domain/chat.ts';
import type { DeliveryStatus } from '../../domain/delivery.ts';
import type { ChatEntry } from './chat-log.ts';

/*
 * What the server tells the page. The page imports these types and nothing else from outside its folder.
 */

/** How far a message of the person has come: on disk, claimed by an agent, its turn settled, given up. */
export type Receipt = 'sent' | 'delivered' | 'read' | 'failed';

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly phone: string;
}

/** An agent in the person's address book. */
export interface Contact {
  readonly account: string;
  readonly agent: { readonly id: string; readonly name: string };
  readonly phone: string;
  readonly provider: string;
  readonly model: string;
  /** Its answers come from a script, not from a model. */
  readonly scripted: boolean;
}

/** A movement of an envelope between mailboxes. */
export interface FlowEvent {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly what: 'accepted' | 'claimed' | 'settled';
  /** The message's id: its movements share it. */
  readonly id: string;
  /** The type of its payload. */
  readonly type: string;
  readonly from: string;
  /** The mailboxes that this movement is about: all of them when it is accepted, then one at a time. */
  readonly to: readonly string[];
  /** What a settled delivery became: `queued` again after a nack. */
  readonly status?: DeliveryStatus;
  readonly intent?: string;
  readonly hop: number;
  readonly turnsLeft: number;
  readonly seal: 'sealed' | 'signed' | 'plain';
  /** The first characters of the text, or of the ciphertext when it is sealed. */
  readonly preview: string;
}

/** A bubble with its ticks; null when the person did not write it. */
export interface Bubble extends ChatEntry {
  readonly receipt: Receipt | null;
}

/** A call of a tool that the person can approve or reject now. */
export interface Waiting {
  readonly number: number;
  /** Which agent asks. */
  readonly agent: string;
  readonly text: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** Those of a bubble can be chosen as long as they are here. */
  readonly choices: readonly Choice[];
}

/** Somebody is writing in a chat. */
export interface Typing {
  readonly account: string;
  readonly peer: ChatEntry['peer'];
}

/** Something to try, in the chat with this account. */
export interface Suggestion {
  readonly account: string;
  readonly text: string;
}

export type LiveChange =
  | { readonly kind: 'bubble'; readonly bubble: Bubble }
  | { readonly kind: 'receipt'; readonly id: string; readonly receipt: Receipt }
  | { readonly kind: 'typing'; readonly typing: Typing; readonly on: boolean }
  | { readonly kind: 'flow'; readonly event: FlowEvent }
  | { readonly kind: 'waiting'; readonly waiting: readonly Waiting[] }
  | { readonly kind: 'notice'; readonly text: string | null };

/** A change and its place in the order of all changes since the server started. */
export type LiveEvent = LiveChange & { readonly seq: number };

/** All that a page shows when it opens. */
export interface PhoneState {
  /** The last change that this state already contains. */
  readonly seq: number;
  readonly person: Person;
  readonly contacts: readonly Contact[];
  /** Oldest first. */
  readonly messages: readonly Bubble[];
  readonly typing: readonly Typing[];
  /** Oldest first. */
  readonly waiting: readonly Waiting[];
  /** Oldest first. */
  readonly flow: readonly FlowEvent[];
  readonly notice: string | null;
  /** Providers whose keys are set although they are not used. */
  readonly offers: readonly string[];
  /** In the order in which they build on each other. */
  readonly suggestions: readonly Suggestion[];
}

/** What `POST /api/messages` answers when the message is durable. */
export interface MessageAccepted {
  readonly id: string;
  readonly duplicate: boolean;
}

/** What every other answer looks like. */
export interface Problem {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}
