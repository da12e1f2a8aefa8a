import type { AgentId } from '../domain/addresses.ts';

/** The durable memory of which nonces an agent has used. */
export interface RelayNonces {
  /**
   * Remembers a nonce; false when the agent has used it before. Once the promise resolves it survives a crash. It may be forgotten
   * when the clock is past `forgetAfter` (epoch milliseconds).
   */
  remember(agent: AgentId, nonce: string, forgetAfter: number): Promise<boolean>;
}

/** The secrets that agents share with the relay. */
export interface RelaySecrets {
  /** Those that an agent may sign with now, newest first: more than one while a new one takes the place of an old one. */
  valid(agent: AgentId): readonly string[];
}
