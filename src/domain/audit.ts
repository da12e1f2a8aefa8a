import type { Write } from './write.ts';

/** What the audit log keeps. Never a message's text and never a secret. */
export interface AuditEvent {
  /** What happened, e.g. `gate.dropped`, `envelope.refused`, `command.denied`. */
  readonly kind: string;
  /** Who did it: an agent id, a phone number, an address. */
  readonly actor: string;
  /** The message it was about, when there was one. */
  readonly message?: string;
  /** Why, in a few words. */
  readonly detail?: string;
}

export interface AuditEntry extends AuditEvent {
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** SHA-256 over this entry and the hash of the one before it: nothing can be changed or left out unseen. */
  readonly hash: string;
}

export interface AuditLog {
  /** Resolves when the entry is on disk. */
  record(event: AuditEvent): Promise<void>;
  /** The same as a part of the transaction that makes it true. */
  entry(event: AuditEvent): Write;
  /** The newest entries, newest last. */
  tail(limit: number): readonly AuditEntry[];
  /** The first entry at which the chain does not hold, or null when it does. */
  verify(): AuditEntry | null;
}
