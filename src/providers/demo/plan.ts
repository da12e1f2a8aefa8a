import type { Command } from './command.ts';
import { sameName } from './wording.ts';

const PLAN = /^\[plan a task for a team of agents\]/;
const AGENT = /^- (?<name>[^(,\n]{1,128}?)(?: \([^)\n]{0,500}\))?, (?:active|inactive), id (?<id>\S{1,64})$/gm;
const TASK = /^Task: (?<task>.{1,10000})$/ms;

/** More agents than this say the same thing again. */
const MOST_AGENTS = 4;

/** The plan that is handed in when one is asked for: everybody else has a look at the task, and then the planner puts it together. */
export function planOf(message: string, agentName: string): Command | null {
  const task = PLAN.test(message) ? TASK.exec(message)?.groups?.['task']?.trim() : undefined;
  if (!task) return null;
  const agents = [...message.matchAll(AGENT)].map(({ groups }) => ({
    name: groups?.['name'] ?? '',
    id: groups?.['id'] ?? '',
  }));
  const self = agents.find(({ name }) => sameName(name, agentName));
  const others = agents.filter((agent) => agent !== self).slice(0, MOST_AGENTS);
  const looks = others.map(({ id }, index) => ({ id: `part-${index + 1}`, agent: id, task, after: [] as string[] }));
  const summary = self ? [{ id: 'summary', agent: self.id, task, after: looks.map(({ id }) => id) }] : [];
  return { tool: 'plan_team', input: { parts: [...looks, ...summary] } };
}
