import type { Write } from '../../../domain/write.ts';

/** The newest message that came to an account from a chat. */
export interface LastInbound {
  /** When it was written, in epoch milliseconds by WhatsApp's clock. */
  readonly at: number;
  /** WhatsApp's id of it (wamid). */
  readonly message: string;
  /** `+` and the digits of the person's number; null in a group, and when WhatsApp does not tell it. */
  readonly phone: string | null;
}

/** One message of WhatsApp that a departure gave rise to: a long text becomes several. */
export interface SentPiece {
  /** Derived from the departure's id: the same in every attempt. */
  readonly id: string;
  readonly departure: string;
  /** When WhatsApp was last asked to send it, in epoch milliseconds. */
  readonly askedAt: number;
  /** WhatsApp's id of it; null: it was asked, and whether it arrived is not known. */
  readonly message: string | null;
}

/** What the channel remembers, durably: every promise resolves when the change survives a crash. */
export interface CloudStore {
  /** `chat`: the id of a peer, or another id of the same person. */
  lastInbound(account: string, chat: string): LastInbound | null;
  /** Puts it in the place of an older one; does nothing when a newer one is there. */
  inboundNoted(account: string, chat: string, last: LastInbound): Write;
  /** Commits writes that belong to nobody else's transaction. */
  commit(writes: readonly Write[]): Promise<void>;

  piece(id: string): SentPiece | null;
  /** The piece that has this id of WhatsApp. */
  pieceOf(message: string): SentPiece | null;
  /** Before WhatsApp is asked; a piece that is there keeps nothing but its id. */
  asked(piece: Omit<SentPiece, 'message'>): Promise<void>;
  /** WhatsApp has it. Does nothing when the piece is not there. */
  answered(id: string, message: string): Promise<void>;
  /** It is known that WhatsApp did not take it, or could not deliver it: forgets the piece. */
  withdrawn(id: string): Promise<void>;
}
