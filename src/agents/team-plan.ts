import { tool } from 'ai';
import { z } from 'zod';
import type { RegisteredAgent } from '../domain/agent-card.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import type { Subtask } from '../domain/team.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { ToolAnswer } from './groups.ts';

/** A plan with more parts than this costs more than it brings. */
export const MAX_PARTS = 20;

const partSchema = z.object({
  id: z.string().trim().min(1).max(40).describe('A short name of the part, such as "a" or "research"'),
  agent: z.string().trim().min(1).max(128).describe('The name of the agent that does it'),
  task: z.string().trim().min(1).max(10_000).describe('What it is to do, in full: it knows nothing of the rest'),
  after: z.array(z.string().trim()).max(MAX_PARTS).default([]).describe('Ids of the parts whose results it needs'),
});
const planSchema = z.object({
  parts: z.array(partSchema).min(1, 'has no parts').max(MAX_PARTS, `has more than ${MAX_PARTS} parts`),
});
type Plan = z.output<typeof planSchema>;

/** The tool with which a model hands in its plan. An invalid one is refused with the reason, so that the model can mend it. */
export function planTool(directory: Pick<AgentDirectory, 'find' | 'list'>, take: (parts: readonly Subtask[]) => void) {
  return tool({
    description: 'Hand in the plan: the parts of the task, who does each, and which parts need the results of others.',
    inputSchema: planSchema,
    execute: (plan): ToolAnswer => {
      const checked = checkPlan(plan, directory);
      if (!checked.ok) return { ok: false, error: checked.error, hint: 'Correct the plan and hand it in again.' };
      take(checked.value);
      return { ok: true, parts: checked.value.length };
    },
  });
}

/** The parts with their agents, or in one line what is wrong: an agent that nobody knows, a part that waits for itself. */
export function checkPlan(
  { parts }: Plan,
  directory: Pick<AgentDirectory, 'find' | 'list'>,
): Result<readonly Subtask[], string> {
  const ids = new Set(parts.map(({ id }) => id));
  if (ids.size < parts.length) return err('Two parts have the same id.');
  const checked: Subtask[] = [];
  for (const { id, agent: name, task, after } of parts) {
    const missing = after.find((needed) => !ids.has(needed));
    if (missing !== undefined) return err(`Part ${id} needs ${missing}, and there is no such part.`);
    const found = oneAgent(name, directory);
    if (!found.ok) return found;
    checked.push({ id, agent: { id: found.value.id, name: found.value.name }, task, after: [...new Set(after)] });
  }
  const stuck = inACircle(checked);
  return stuck.length > 0 ? err(`The parts ${stuck.join(', ')} wait for each other.`) : ok(checked);
}

const FENCE = /```(?:json)?[ \t]*\r?\n([^`]*)\n[ \t]*```/;

/** The plan that is written in an answer, as JSON, fenced or alone; null when there is none. */
export function planIn(answer: string): Plan | null {
  const text = FENCE.exec(answer)?.[1] ?? answer;
  try {
    return planSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** The agent of this name or id. */
export function oneAgent(
  name: string,
  directory: Pick<AgentDirectory, 'find' | 'list'>,
): Result<RegisteredAgent, string> {
  const [agent, another] = directory.find(name);
  if (another) return err(`More than one agent is called ${name}: use the id.`);
  if (agent) return ok(agent);
  const known = directory.list().map((one) => one.name);
  return err(`I know no agent called ${name}. I know ${known.join(', ') || 'none'}.`);
}

/** The parts that can never begin. */
function inACircle(parts: readonly Subtask[]): string[] {
  let waiting = [...parts];
  for (;;) {
    const left = new Set(waiting.map(({ id }) => id));
    const next = waiting.filter(({ after }) => after.some((id) => left.has(id)));
    if (next.length === waiting.length) return next.map(({ id }) => id);
    waiting = next;
  }
}
