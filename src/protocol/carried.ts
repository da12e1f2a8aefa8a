import { z } from 'zod';
import {
  type AgentId,
  agentAddress,
  agentId,
  conversationId,
  isAgentId,
  isForeignId,
  messageId,
} from '../domain/addresses.ts';
import { AGENT_ATTEMPTS, type NewMessage } from '../domain/message.ts';
import { type Budget, startTrace } from '../domain/trace.ts';
import { deriveId } from '../lib/ids.ts';
import { ENVELOPE } from './ai-comms-1.0.ts';
import { parseJson } from './bounded-json.ts';

/** How an envelope came here, and so how its sender is reached: as the link says it, and not the sender. */
export type WayIn = {
  /** What the sender's card is to say: `hub`, `whatsapp`, … */
  readonly transport: string;
  /** The number that it came from. */
  readonly phone?: string;
  /** What else is needed to reach the sender. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The number that it was sent to. */
  readonly to?: string;
  /** When the carrier took it, epoch milliseconds; absent when nobody kept it on the way. */
  readonly postedAt?: number;
};

/** What may be spent on an envelope or a task that does not say: its sender knows nothing of budgets, so it gets little. */
export const FOREIGN_BUDGET: Budget = { turns: 4, tokens: null, microUsd: null };

/** Not verified: it says where to put the envelope, and whoever handles it there looks at the signature first. */
const headingSchema = z.object({
  id: z.string().refine(isForeignId).optional(),
  from: z.object({ agentId: z.string().refine(isAgentId) }),
  conversationId: z.string().refine(isForeignId),
  intent: z.string().max(64),
});

/** What an envelope from elsewhere becomes in an agent's mailbox; null when the text is none. */
export function carriedMessage(text: string, to: AgentId, via: WayIn): NewMessage | null {
  const heading = headingSchema.safeParse(parseJson(text));
  if (!heading.success) return null;
  const { from, intent } = heading.data;
  const id = messageId(heading.data.id ?? deriveId('env', text));
  const conversation = conversationId(heading.data.conversationId);
  return {
    id,
    from: agentAddress(agentId(from.agentId)),
    deliveries: [{ to: agentAddress(to), orderingKey: conversation, maxAttempts: AGENT_ATTEMPTS }],
    conversation,
    subject: intent,
    body: text,
    payload: { type: ENVELOPE, data: { via } },
    trace: startTrace(id, null, FOREIGN_BUDGET),
  };
}
