import type { ToolSet } from 'ai';
import { nearest } from '../../lib/suggestion.ts';

/** The tools that an agent can have, in the groups by which they are allowed and denied. */
export const TOOL_GROUPS = {
  fs: ['read', 'write', 'edit', 'list', 'search', 'send_file'],
  runtime: ['bash'],
  web: ['http_fetch'],
  messaging: ['message_agent', 'list_agents'],
  groups: ['create_group', 'add_member', 'remove_member', 'group_message', 'list_groups'],
} as const;

/** What an agent has that nobody has said anything about. */
const DEFAULT_ALLOWED = ['messaging', 'groups'];

/** Other names of tools. */
const ALIASES: Readonly<Record<string, string>> = { exec: 'bash' };

const NAMES: readonly string[] = [
  ...Object.keys(TOOL_GROUPS),
  ...Object.values(TOOL_GROUPS).flat(),
  ...Object.keys(ALIASES),
];

/** Names are those of tools and of groups of tools. */
export interface ToolPolicy {
  /** null: the tools for talking to other agents. */
  readonly allow: readonly string[] | null;
  /** Goes before `allow`. */
  readonly deny: readonly string[];
}

/** Those of the names that are of no tool and of no group, and what each was probably meant to be. */
export function unknownTools(
  names: readonly string[],
): { readonly name: string; readonly suggestion: string | null }[] {
  return names.filter((name) => !NAMES.includes(name)).map((name) => ({ name, suggestion: nearest(name, NAMES) }));
}

/** The tools that an agent may call, in the order in which they were; its model is shown no others. */
export function selectTools(tools: ToolSet, { allow, deny }: ToolPolicy): ToolSet {
  const allowed = toolsNamed(allow ?? DEFAULT_ALLOWED);
  const denied = toolsNamed(deny);
  return Object.fromEntries(Object.entries(tools).filter(([name]) => allowed.has(name) && !denied.has(name)));
}

/** Every tool that one of the names is of. */
export function toolsNamed(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.flatMap((name) => (isGroup(name) ? TOOL_GROUPS[name] : [aliasOf(name) ?? name])));
}

const isGroup = (name: string): name is keyof typeof TOOL_GROUPS => Object.hasOwn(TOOL_GROUPS, name);

const aliasOf = (name: string): string | null => (Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? null) : null);
