import type { AgentId } from './addresses.ts';
import type { AgentCard, AgentStatus, RegisteredAgent } from './agent-card.ts';

/** The registry of agents, as the code that needs it sees it. */
export interface AgentDirectory {
  get(id: AgentId): RegisteredAgent | null;
  /** By name or id, exactly but for case: more than one when the name is ambiguous. */
  find(nameOrId: string): readonly RegisteredAgent[];
  list(filter?: {
    readonly capability?: string;
    readonly status?: AgentStatus;
    readonly provider?: string;
  }): readonly RegisteredAgent[];
  /** Adds an agent or replaces its card; it counts as seen now. */
  register(card: AgentCard): Promise<void>;
  heartbeat(id: AgentId): Promise<void>;
  deregister(id: AgentId): Promise<boolean>;
}
