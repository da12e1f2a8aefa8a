import type { AgentCard } from '../domain/agent-card.ts';
import type { TaskAnswer } from '../domain/task.ts';
import type { MessageV2 } from '../protocol/message-v2.ts';

/**
 * The way to agents that do not take their messages from this spool. Whatever is for them is in their mailbox here all the same,
 * and a link is what handles that mailbox: so a message waits while the other side is away, and is not lost.
 */
export interface Link {
  /**
   * Resolves when the other side has it durably (null), or with what it has made of a task. The same message delivered twice is one
   * delivery there. Rejects with MESSAGE_INVALID when it can never be delivered, with anything else to have it tried again.
   */
  deliver(message: MessageV2, to: AgentCard, signal?: AbortSignal): Promise<TaskAnswer | null>;
}

/** A link on which every message is signed with a secret of its sender's. */
export interface SigningLink extends Link {
  /** Throws CONFIG_INVALID when the sender has none. */
  requireSecret(sender: string): void;
}
