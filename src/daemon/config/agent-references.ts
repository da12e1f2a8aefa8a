import type { AgentId } from '../../domain/addresses.ts';
import { nearest } from '../../lib/suggestion.ts';
import type { Problem } from './problem.ts';
import { problem } from './surroundings.ts';

/** An agent that a setting names, and the path of the setting. */
export interface AgentReference {
  readonly id: AgentId;
  readonly path: readonly string[];
}

export type Where = (path: readonly string[]) => string;

/** How many agents an error lists when none is near to what was written. */
const LISTED = 10;

/** A list of agents, each with its place in it. */
export const references = (ids: readonly AgentId[], path: readonly string[]): AgentReference[] =>
  ids.map((id, index) => ({ id, path: [...path, String(index)] }));

/** One problem for each reference to an agent that is not among these. */
export function strangers(
  found: readonly AgentReference[],
  among: readonly AgentId[],
  where: Where,
  message = 'there is no such agent',
): Problem[] {
  return found
    .filter(({ id }) => !among.includes(id))
    .map(({ id, path }) => problem(where(path), message, suggestion(id, among)));
}

/** The id is quoted only when it is near to one of ours: what somebody put here by mistake may be a secret. */
function suggestion(id: AgentId, among: readonly AgentId[]): string {
  const meant = nearest(id, among);
  if (meant !== null) return `"${id}": did you mean "${meant}"?`;
  if (among.length === 0) return 'There is none.';
  const listed = among.slice(0, LISTED).join(', ');
  return `There is ${listed}${among.length > LISTED ? ' and others' : ''}.`;
}

/** One problem for each agent that is there again. */
export function repeated(found: readonly AgentReference[], where: Where): Problem[] {
  return found
    .filter(({ id }, index) => found.findIndex((other) => other.id === id) < index)
    .map(({ path }) => problem(where(path), 'this agent is there already', 'Name each once.'));
}
