import type { Write } from '../../../domain/write.ts';

/** The newest message that came to an account from a chat. */
export interface LastInbound {
  /** When it was written, in epoch milliseconds by WhatsApp's clock. */
  readonly at: number;
  /** WhatsApp's id of it (wamid). */
  readonly message: string;
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
  /** The person who was seen last by this id; null: nobody was. */
  holder(account: string, name: string): string | null;
  /** The ids that are still those of a person, in the order in which they were learned. */
  held(account: string, person: string): readonly string[];
  /** Keeps that a person was seen by these ids; does nothing for those by which they were seen before. */
  named(account: string, person: string, names: readonly string[]): Write;

  /** `chat`: the id of a group, or the one by which a person was met. */
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
