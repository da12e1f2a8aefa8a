import type { MessageId } from './addresses.ts';
import type { ChatPlace } from './chat.ts';
import type { GroupMember } from './group.ts';
import type { Budget, Trace } from './trace.ts';
import type { Write } from './write.ts';

/** A part of a task, for one agent. */
export interface Subtask {
  /** Names it within the plan. */
  readonly id: string;
  readonly agent: GroupMember;
  readonly task: string;
  /** The parts whose results it needs. */
  readonly after: readonly string[];
}

/** How far a part has come. */
export type Progress =
  | { readonly kind: 'waiting' }
  /** `share`: what its agent was given to spend on it, and can bring back. */
  | { readonly kind: 'given'; readonly share: Budget }
  | { readonly kind: 'done'; readonly result: string }
  | { readonly kind: 'failed'; readonly why: string };

/** A task that a person has given to other agents: its plan, and how far it has come. Kept by the agent that was asked. */
export interface TeamRun {
  /** The id of the message that gave the task. */
  readonly id: MessageId;
  /** `send`: to one agent; `all`: to every agent alike; `team`: planned. */
  readonly kind: 'send' | 'all' | 'team';
  /** Who gave it, and where the results are said. */
  readonly askedBy: string;
  readonly place: ChatPlace;
  readonly trace: Trace;
  readonly parts: readonly (Subtask & { readonly progress: Progress })[];
  /** What is left for the parts that nobody has yet. */
  readonly budget: Budget;
}

export interface TeamStore {
  get(host: string, id: MessageId): TeamRun | null;
  put(host: string, run: TeamRun): Write;
}
