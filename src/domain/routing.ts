import type { AgentId } from './addresses.ts';

/** Where a binding holds; what is not named does not matter. */
export interface BindingMatch {
  readonly channel?: string;
  readonly account?: string;
  /** One chat: with a person, by number or other id, or of a group, by its id or name. */
  readonly peer?: { readonly kind?: 'dm' | 'group'; readonly id: string };
  /** A group, likewise. */
  readonly group?: string;
}

/** One agent for certain chats. */
export interface Binding {
  readonly agent: AgentId;
  readonly match: BindingMatch;
}

/** Who of a panel answers: those of the rules whose words occur in the message. */
export interface Selection {
  readonly rules: readonly { readonly words: readonly string[]; readonly agents: readonly AgentId[] }[];
  /** When no rule fits. */
  readonly otherwise: readonly AgentId[];
  /** The agent whose model chooses, instead of the rules. */
  readonly selector: AgentId | null;
}

/** How the agents of a panel that hear each other come to one answer. */
export type Judgement =
  /** The host puts one answer together from what they have said. */
  | { readonly mode: 'merge' }
  /** Likewise, as soon as so many have spoken. */
  | { readonly mode: 'quorum'; readonly of: number }
  /** The first who has something to say is the answer. */
  | { readonly mode: 'first' };

/** When agents answer in a group: when they are spoken to, or always. */
export type Activation = 'mention' | 'always';

/** Several agents on one peer (broadcast). */
export interface Panel {
  /** The group's id or name, or the person's number. */
  readonly peer: string;
  /** In the order in which they are listed. A higher priority answers before a lower one. */
  readonly agents: readonly { readonly id: AgentId; readonly priority: number }[];
  readonly strategy: 'parallel' | 'sequential';
  readonly selection: Selection | null;
  /** They hear each other, in so many rounds; the first of them leads. null: each knows only what people say. */
  readonly shared: { readonly rounds: number; readonly judgement: Judgement | null } | null;
  /** In a group: answer only when spoken to. null: as everywhere. */
  readonly activation: Activation | null;
}

export interface RoutingRules {
  readonly panels: readonly Panel[];
  readonly bindings: readonly Binding[];
  /** Where nothing else fits; null: the agent whose account it is. */
  readonly defaultAgent: AgentId | null;
}
