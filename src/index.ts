/* What the package `parleyd` offers to programs. Everything else is Parley's own and may change. */
export { agentAddress, agentId, conversationId, messageId } from './domain/addresses.ts';
export type { RegisteredAgent } from './domain/agent-card.ts';
export type { Delivery, Lease, Settlement } from './domain/delivery.ts';
export { ParleyError } from './domain/errors.ts';
export type { Message, NewMessage } from './domain/message.ts';
export { startTrace } from './domain/trace.ts';
export { type ListAgentsOptions, listAgents } from './registry/list-agents.ts';
export { openSpool } from './spool/open.ts';
export type { ClaimOptions, SendReceipt, Spool } from './spool/spool.ts';
