import type { Json } from '../lib/json.ts';
import type { AgentId, ConversationId, MessageId } from './addresses.ts';
import type { ChatPlace } from './chat.ts';
import type { Trace } from './trace.ts';
import type { Write } from './write.ts';

/** `calling`: it was approved, and the call has begun; whoever finds it so cannot tell what became of it. `done`: it is over. */
export type ApprovalStatus = 'waiting' | 'approved' | 'calling' | 'rejected' | 'expired' | 'done';

/** A call of a tool that waits for a person, or has waited. Kept until long after it has ended. */
export interface Approval {
  /** What people type. */
  readonly number: number;
  /** Follows from the turn that asked: a repeat of the turn asks for the same. */
  readonly id: MessageId;
  /** Who called the tool, and is told what was decided. */
  readonly agent: AgentId;
  readonly tool: string;
  readonly input: Json;
  /** Where the tool was called, and for whom. */
  readonly place: ChatPlace;
  readonly askedBy: string;
  readonly conversation: ConversationId;
  /** The messages that show it to those who may decide: who reacts to one of them decides. */
  readonly notices: readonly MessageId[];
  /** What is decided goes on from here, with the share of the budget that was kept for it. */
  readonly trace: Trace;
  /** Epoch milliseconds. */
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly status: ApprovalStatus;
  /** Who has decided, by name; null while nobody has, and when it expired. */
  readonly decidedBy: string | null;
  /** Why it was rejected, in words. */
  readonly why: string | null;
}

export interface ApprovalStore {
  get(number: number): Approval | null;
  byId(id: MessageId): Approval | null;
  /** The one that a message shows. */
  byNotice(notice: MessageId): Approval | null;
  /** Oldest first. */
  list(which: 'waiting' | 'all'): readonly Approval[];
  /** A number that no other request has, has had, or will have. */
  reserve(): Promise<number>;
  add(approval: Approval): Write;
  /** The call begins: it is `calling` when this resolves, also after a crash. Rejects when it was not `approved`. */
  begin(approval: Approval): Promise<void>;
  /** Puts it in the place of what is kept of it. Throws in the transaction when that is not at `from` any more: somebody was first. */
  change(approval: Approval, from: ApprovalStatus): Write;
}
