import type { AgentId } from './addresses.ts';
import type { Write } from './write.ts';

/** One line of what an agent remembers of a conversation. */
export interface SessionEntry {
  /** Of the message that was said; a second entry with the same id in one session is the same line. */
  readonly id: string;
  /** `assistant` is the agent itself. */
  readonly role: 'user' | 'assistant';
  readonly speaker: string;
  readonly text: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What agents remember, durably. Sessions are kept apart by key (see `sessionKey`): no agent sees another's. */
export interface SessionStore {
  /** The newest `limit` entries, oldest first. */
  recent(key: string, limit: number): readonly SessionEntry[];
  /** Whether something is remembered under this id. */
  has(key: string, id: string): boolean;
  append(agent: AgentId, key: string, entries: readonly SessionEntry[]): Write;
  /** Forgets sessions in which nothing was said since `idleSince` (epoch milliseconds); how many. */
  purge(idleSince: number): Promise<number>;
}
