import type { ToolSet } from 'ai';
import type { Address, AgentId, MessageId } from '../domain/addresses.ts';
import type { AgentCard } from '../domain/agent-card.ts';
import type { ApprovalStore } from '../domain/approval.ts';
import type { AuditLog } from '../domain/audit.ts';
import type { ChatIn, ChatPlace } from '../domain/chat.ts';
import type { DeliveryStatus } from '../domain/delivery.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import type { DiscussionStore, GroupStore } from '../domain/group.ts';
import type { Message } from '../domain/message.ts';
import type { SessionStore } from '../domain/session.ts';
import type { TeamStore } from '../domain/team.ts';
import type { Budget } from '../domain/trace.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { OpenedEnvelope } from '../protocol/envelope.ts';
import type { EnvelopeKeys } from '../protocol/keys.ts';
import type { SeenEnvelopes } from '../protocol/seen-envelopes.ts';
import type { ModelChain } from '../providers/chain.ts';
import type { Gate } from '../security/gate.ts';
import type { Effects } from './effects.ts';
import type { FileSending } from './toolbox/send-file.ts';
import type { ToolPolicy } from './toolbox/tool-policy.ts';

/** What an agent is, and what it works with. */
export interface AgentContext {
  readonly card: AgentCard;
  /** Who it is, in words, for its model. */
  readonly persona: string;
  readonly chain: Pick<ModelChain, 'generate' | 'state'>;
  readonly directory: AgentDirectory;
  readonly sessions: SessionStore;
  readonly groups: GroupStore;
  readonly discussions: DiscussionStore;
  /** A message of the past, from the spool. */
  message(id: MessageId): Message | null;
  /** What has become of a message in each mailbox that it was for. */
  status(id: MessageId): readonly { readonly to: Address; readonly status: DeliveryStatus }[];
  /** What waits in a mailbox behind a message, in the same conversation: oldest first. */
  behind(id: MessageId, mailbox: Address): readonly Message[];
  /** How long an answer on a channel waits for what else a person has to say, in milliseconds; 0: each message is answered by itself. */
  debounceMs(channel: string): number;
  /** What the files that came with a message are, a line each, once they are kept. Rejects when that can be tried again. */
  filesOf(chat: ChatIn): Promise<readonly string[]>;
  readonly audit: AuditLog;
  readonly gate: Gate;
  readonly keys: EnvelopeKeys;
  readonly requireAuth: boolean;
  readonly maxMessageAgeMs: number;
  readonly seen: SeenEnvelopes;
  /** What a person's message may cost at most. */
  readonly budget: Budget;
  readonly discussion: { readonly rounds: number; readonly roundTimeoutMs: number };
  readonly teams: TeamStore;
  /** How long an agent has for a task, in milliseconds. */
  readonly taskTimeoutMs: number;
  /** The tools that it has beside those for talking to agents; their doings go into these effects. */
  extraTools(effects: Effects): ToolSet;
  /** How it sends files of its workspace there; null where it has no workspace, or the chat can have no files. */
  fileSending(place: ChatPlace): FileSending | null;
  /** `approve`: those of them that a person has to agree to, each time. */
  readonly toolPolicy: ToolPolicy & { readonly approve: readonly string[] };
  readonly approvals: ApprovalStore;
  /** Where people are asked to agree to what is to be done for somebody there. */
  approvers(place: ChatPlace): readonly ChatPlace[];
  /** How long they have for it, in milliseconds. */
  readonly approvalTimeoutMs: number;
  /** How the links to other machines are, a line each. */
  links(): readonly string[];
  /** Whether this person may use the commands. */
  isAdmin(chat: ChatIn): boolean;
  /** Whether a group can have a chat of its own on this channel. */
  hasGroupChats(channel: string): boolean;
  /** Whether other agents can be written to on this channel, by their numbers. */
  carriesEnvelopes(channel: string): boolean;
  readonly watch: AgentWatcher;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What an agent lets be seen of its work, in this process. */
export interface AgentWatcher {
  /** It has opened an envelope. The same one may come again after a crash. */
  opened(agent: AgentId, envelope: OpenedEnvelope, hop: number): void;
  /** It began, or ended, to think about what somebody said in a chat. */
  thinking(agent: AgentId, place: ChatPlace, on: boolean): void;
}
