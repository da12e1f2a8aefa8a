/* What the package `parleyd` offers to programs. Everything else is Parley's own and may change. */

export type { Consumed } from './coordinator/consumer.ts';
export type {
  ConversationSummary,
  Coordinator,
  DeadLetterFilter,
  MessageStatus,
  SearchHit,
  Stats,
} from './coordinator/coordinator.ts';
export type { Metric } from './coordinator/metrics.ts';
export { type CoordinatorOptions, openCoordinator } from './coordinator/open.ts';
export type { AgentProfile } from './coordinator/registry.ts';
export type { Sent } from './coordinator/sender.ts';
export type { TailEvent } from './coordinator/tail.ts';
export { agentAddress, agentId, conversationId, messageId } from './domain/addresses.ts';
export type { RegisteredAgent } from './domain/agent-card.ts';
export type { Delivery, Lease, Settlement } from './domain/delivery.ts';
export { ParleyError } from './domain/errors.ts';
export type { Message, NewMessage } from './domain/message.ts';
export { startTrace } from './domain/trace.ts';
export type { DeadLetter, DeliveryState, Received } from './links/transport.ts';
export { type MessageDraft, type MessageV2, parseMessageV2 } from './protocol/message-v2.ts';
export { type ListAgentsOptions, listAgents } from './registry/list-agents.ts';
export { openSpool } from './spool/open.ts';
export type { ClaimOptions, SendReceipt, Spool } from './spool/spool.ts';
