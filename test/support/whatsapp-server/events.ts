import type { ReceiptKind } from './receipts.ts';

interface OfDevice {
  /** Of the account, digits only. */
  readonly number: string;
  readonly device: number;
}

/** What happened at the server, in the order in which it did. */
export type ServerEvent =
  | (OfDevice & { readonly type: 'linked' | 'unlinked' | 'connected' | 'disconnected' })
  /** A client sent a message. `to` is a number or the id of a group; `isResend` when it is for one device that asked again. */
  | (OfDevice & {
      readonly type: 'message';
      readonly id: string;
      readonly to: string;
      readonly kind: string;
      readonly isResend: boolean;
    })
  /** The server told the sender that it has the message, or why it does not take it. */
  | (OfDevice & { readonly type: 'acknowledged'; readonly id: string; readonly error: number | null })
  /** A message was put on the socket of this device. */
  | (OfDevice & { readonly type: 'delivered'; readonly id: string; readonly from: string; readonly isOffline: boolean })
  /** A client told the server what became of a message that it was sent; `from` is the author of the message. */
  | (OfDevice & { readonly type: 'receipt'; readonly id: string; readonly from: string; readonly kind: ReceiptKind })
  /** A client refused a stanza, or took one that needs no receipt. */
  | (OfDevice & { readonly type: 'ack'; readonly id: string; readonly class: string; readonly error: string | null })
  | (OfDevice & { readonly type: 'typing'; readonly to: string; readonly state: string })
  | (OfDevice & { readonly type: 'prekeys'; readonly stored: number })
  /** A client broke the protocol and was thrown out. Nobody has a number before the login. */
  | { readonly type: 'violation'; readonly number: string | null; readonly reason: string };

export type Listener = (event: ServerEvent) => void;

export class EventLog {
  readonly #events: ServerEvent[] = [];
  readonly #listeners = new Set<Listener>();

  get all(): readonly ServerEvent[] {
    return this.#events;
  }

  add(event: ServerEvent): void {
    this.#events.push(event);
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** Returns how to end it. */
  on(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
