import { z } from 'zod';
import { agentAddress, type MessageId, messageId, systemAddress } from '../domain/addresses.ts';
import type { Approval, ApprovalStore } from '../domain/approval.ts';
import type { AuditEvent, AuditLog } from '../domain/audit.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import { AGENT_ATTEMPTS, type NewMessage } from '../domain/message.ts';
import type { Write } from '../domain/write.ts';
import { deriveId } from '../lib/ids.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { describeDecision } from './approval-words.ts';
import type { AgentContext } from './context.ts';
import { Effects } from './effects.ts';

/** The payload type of what tells the agent that asked that something has been decided; its data names the request. */
export const APPROVAL_DECIDED = 'approval.decided';
/** Nobody but Parley itself sends from here. */
export const APPROVALS = systemAddress('approvals');

/** The longest reason that is kept, in UTF-16 code units. */
const MAX_WHY = 500;

interface Decision {
  readonly status: 'approved' | 'rejected' | 'expired';
  /** Their name, for people; null: nobody has decided. */
  readonly by: string | null;
  /** Who it was, for the audit log. */
  readonly actor: string;
  readonly why: string | null;
}

/** What a decision consists of: all of it happens, or none. */
interface Decided {
  readonly message: NewMessage;
  readonly also: readonly Write[];
}

interface Records {
  readonly approvals: Pick<ApprovalStore, 'get' | 'change'>;
  readonly audit: Pick<AuditLog, 'entry'>;
}

/**
 * A decision on the request of this number, by a person at this time; or in words why none can be made. The first one counts: the
 * writes of another that comes at the same moment throw.
 */
export function decide(
  records: Records,
  number: number,
  decision: Decision & { readonly status: 'approved' | 'rejected' },
  now: number,
): Result<Decided & { readonly approval: Approval }, string> {
  const approval = records.approvals.get(number);
  if (!approval) return err(`There is no request ${number}.`);
  if (approval.status !== 'waiting' || approval.expiresAt <= now) return err(describeDecision(approval));
  return ok({ ...settled(records, approval, decision), approval });
}

function settled({ approvals, audit }: Records, approval: Approval, { status, by, actor, why }: Decision): Decided {
  const { id, agent, conversation, trace } = approval;
  const next: Approval = { ...approval, status, decidedBy: by, why: why?.slice(0, MAX_WHY).toWellFormed() ?? null };
  return {
    message: {
      // One for each request, so that there is one decision.
      id: messageId(deriveId('msg', id, 'decided')),
      from: APPROVALS,
      deliveries: [{ to: agentAddress(agent), orderingKey: conversation, maxAttempts: AGENT_ATTEMPTS }],
      conversation,
      payload: { type: APPROVAL_DECIDED, data: { approval: id } },
      trace,
    },
    also: [approvals.change(next, 'waiting'), audit.entry(approvalEvent(status, approval, actor))],
  };
}

const expirySchema = z.object({ kind: z.literal('approval'), approval: z.string().transform(messageId) });

export const isExpiry = (data: unknown): boolean => expirySchema.safeParse(data).success;

/** The time for a request is up. */
export function expireApproval(context: AgentContext, { message }: Delivery, data: unknown): Settlement {
  const { card, approvals, keys, clock } = context;
  const approval = approvals.byId(expirySchema.parse(data).approval);
  if (approval?.status !== 'waiting') return { kind: 'ack' };
  const decision = { status: 'expired', by: null, actor: card.id, why: null } as const;
  const effects = new Effects(card, message, message.trace, keys, clock);
  return settleWith(effects, settled(context, approval, decision));
}

/** Settles with a decision and whatever else has come of it. */
export function settleWith(effects: Effects, { message, also: writes }: Decided): Settlement {
  effects.pass(message);
  for (const write of writes) effects.write(write);
  const { outputs, also } = effects.finish(effects.trace.budget);
  return { kind: 'ack', outputs, also };
}

/** What the audit log keeps: never the input. */
export function approvalEvent(
  what: 'asked' | 'done' | Decision['status'],
  { number, agent, tool }: Pick<Approval, 'number' | 'agent' | 'tool'>,
  actor: string,
): AuditEvent {
  return { kind: `approval.${what}`, actor, detail: `${number}: ${tool}, ${agent}` };
}

const aboutSchema = z.object({ approval: z.string().transform(messageId) });

/** The request that a message is about; null when it says nothing of one. */
export function approvalIn(data: unknown): MessageId | null {
  const parsed = aboutSchema.safeParse(data);
  return parsed.success ? parsed.data.approval : null;
}
