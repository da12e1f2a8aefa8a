import type { AgentId, GroupId, MessageId } from './addresses.ts';
import type { ChatPlace } from './chat.ts';
import type { Judgement } from './routing.ts';
import type { Budget, Trace } from './trace.ts';
import type { Write } from './write.ts';

export type GroupMember = {
  readonly id: AgentId;
  readonly name: string;
};

/** Agents in one conversation, as one of them knows it: every member keeps its own copy of the roster. */
export type Group = {
  readonly id: GroupId;
  readonly name: string;
  readonly purpose: string;
  /** The agent that made it: it alone changes the roster and leads the discussions. */
  readonly host: AgentId;
  /** Every agent in it, the host included. */
  readonly members: readonly GroupMember[];
  /** Grows with each change by the host: an older roster that arrives late is ignored. */
  readonly version: number;
  /** Those who answer together on a peer: a chat of people, and not a group of which agents or people speak. */
  readonly panel?: true;
};

export interface GroupStore {
  get(agent: AgentId, id: GroupId): Group | null;
  /** All but panels. */
  list(agent: AgentId): readonly Group[];
  put(agent: AgentId, group: Group): Write;
  /** The agent is no longer in it. */
  remove(agent: AgentId, id: GroupId): Write;
}

/** What one member contributed. */
export interface Contribution {
  readonly id: MessageId;
  readonly round: number;
  readonly speaker: GroupMember;
  /** null: it chose to stay silent, could not answer, or did not in time. */
  readonly text: string | null;
  /** Why it could not answer, in words. */
  readonly failed?: string | undefined;
}

/** A question put to a group, while and after the members discuss it. Kept by the host. */
export interface Discussion {
  /** The id of the message that put the question: the same question, put twice by a repeat, is one discussion. */
  readonly id: MessageId;
  readonly group: GroupId;
  readonly question: string;
  /** Who asked. */
  readonly askedBy: string;
  /** Where the question was put, and the summary goes. */
  readonly place: ChatPlace;
  readonly trace: Trace;
  /** From 1. */
  readonly round: number;
  readonly rounds: number;
  /** The members who have not yet answered in this round. */
  readonly waitingFor: readonly AgentId[];
  /** The id of the message by which they were asked in this round. */
  readonly asked: MessageId;
  readonly contributions: readonly Contribution[];
  /** What each member was given to spend on its answer in this round: it brings back no more than that. */
  readonly share: Budget;
  /** What is left to go on with: what was kept for the summary, and what the answers have brought back. */
  readonly budget: Budget;
  readonly closed: boolean;
  /** Of a panel: what is said is said in the chat itself, and how it comes to one answer; absent for a group. */
  readonly panel?: {
    readonly judgement: Judgement | null;
    /** Whether somebody waits for an answer: then it is said when there is none. */
    readonly awaited: boolean;
  };
}

export interface DiscussionStore {
  get(host: AgentId, id: MessageId): Discussion | null;
  put(host: AgentId, discussion: Discussion): Write;
}
