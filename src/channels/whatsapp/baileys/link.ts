/** How an account fares. */
export interface AccountState {
  readonly kind: /** No phone has linked it, and none is asked to. */
    | 'unlinked'
    /** A code is offered, by which a phone can link it. */
    | 'linking'
    | 'connecting'
    | 'open'
    /** It connects again after a while. */
    | 'waiting'
    /** Another process has it; this one takes over when that one stops or dies. */
    | 'standby'
    /** It does not connect any more. */
    | 'stopped';
  /** Why, in words. */
  readonly reason?: string;
}

export type LinkNews =
  /** To be scanned with the phone. `expiresInMs`: another one follows then. */
  | { readonly kind: 'qr'; readonly qr: string; readonly expiresInMs: number }
  /** To be entered on the phone. */
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'linked'; readonly phone: string }
  | { readonly kind: 'open' }
  | {
      readonly kind: 'closed';
      /** In words. */
      readonly reason: string;
      /** Of WhatsApp; null: the network, or we ourselves. */
      readonly code: number | null;
      readonly action: 'retry' | 'stopped' | 'link-again';
      readonly delayMs?: number;
    };

/** What whoever runs an account is told of its connection. */
export type LinkEvent = { readonly account: string } & LinkNews;
