import type { RegisteredAgent } from '../domain/agent-card.ts';
import { isoTime, mark, oneLine } from './output.ts';

const MARKS = { active: 'good', inactive: 'doubtful', offline: 'faint' } as const;

/** An agent in one line, as people read it. */
export function describeAgent({ agent_id, status, capabilities, device, transport }: AgentDocument): string {
  const names = capabilities.map((name) => `'${oneLine(name)}'`).join(', ');
  return `${agent_id} [${mark(MARKS[status], status)}] caps=[${names}] device=${oneLine(device)} transport=${transport}`;
}

/** The same for programs, with the names of the implementation guide. */
export function documentOf({ id, capabilities, device, transport, status, lastSeen, metadata }: RegisteredAgent) {
  return { agent_id: id, capabilities, device, transport, status, last_seen: isoTime(lastSeen), metadata };
}

export type AgentDocument = ReturnType<typeof documentOf>;
