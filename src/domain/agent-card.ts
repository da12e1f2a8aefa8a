import type { AgentId } from './addresses.ts';

/** How long an agent may be silent before it counts as inactive, then as offline, in milliseconds. */
const INACTIVE_AFTER_MS = 5 * 60 * 1000;
const OFFLINE_AFTER_MS = 60 * 60 * 1000;

export type AgentStatus = 'active' | 'inactive' | 'offline';

/** Who an agent is and how it is reached: what the registry knows of it. */
export type AgentCard = {
  readonly id: AgentId;
  /** What people call it. */
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly device: string;
  /** How messages get to it: `sqlite` (same database), later `http`, `hub`, `file`, `whatsapp`, … */
  readonly transport: string;
  /** Its phone number or handle on a channel, when it has one. */
  readonly phone: string | null;
  readonly provider: string | null;
  readonly metadata: Readonly<Record<string, string>>;
};

export type RegisteredAgent = AgentCard & {
  readonly status: AgentStatus;
  /** Epoch milliseconds. */
  readonly lastSeen: number;
};

/** Which status a silence of this length means. */
export function statusAfter(silenceMs: number): AgentStatus {
  if (silenceMs >= OFFLINE_AFTER_MS) return 'offline';
  return silenceMs >= INACTIVE_AFTER_MS ? 'inactive' : 'active';
}

/** On the card of an agent that reads envelopes. Others, such as a script that polls its mailbox, are written to without. */
export const READS_ENVELOPES = { protocol: 'ai-comms/1.0' } as const;

export const readsEnvelopes = ({ metadata }: Pick<AgentCard, 'metadata'>): boolean =>
  metadata['protocol'] === READS_ENVELOPES.protocol;
