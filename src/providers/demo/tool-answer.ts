import { z } from 'zod';
import { joinNames } from './wording.ts';

/** Puts a tool's result into words. */
const speak = <Shape extends z.ZodType>(shape: Shape, words: (result: z.infer<Shape>) => string) => ({
  words(output: unknown): string | null {
    const result = shape.safeParse(output);
    return result.success ? words(result.data) : null;
  },
});

const names = z.array(z.string());
const group = z.object({ name: z.string() });

const ANSWERS: Readonly<Record<string, { words(output: unknown): string | null }>> = {
  create_group: speak(
    z.object({ group: z.object({ name: z.string(), members: names }) }),
    ({ group }) =>
      `Done: the group "${group.name}" is ready, with ${joinNames(group.members)}. ` +
      `Now try: "Tell the ${group.name}: What are your thoughts on quantum error correction?"`,
  ),
  plan_team: speak(z.object({ parts: z.number() }), ({ parts }) => `I have made a plan of ${parts} parts.`),
  group_message: speak(z.object({ group, asked: names }), ({ group, asked }) =>
    asked.length === 0
      ? `I have put that to the group "${group.name}", but there is nobody else in it yet.`
      : `I have put that to the group "${group.name}". ${joinNames(asked)} will have a say, and I will sum up.`,
  ),
  list_groups: speak(
    z.object({ groups: z.array(z.object({ name: z.string(), members: names, purpose: z.string().nullish() })) }),
    ({ groups }) =>
      groups.length === 0
        ? 'There is no group yet. Try: "Create a research group with Atlas, Nova and Bolt".'
        : ['These are the groups:', ...groups.map(groupLine)].join('\n'),
  ),
  list_agents: speak(
    z.object({
      agents: z.array(z.object({ name: z.string(), status: z.string(), capabilities: names.default([]) })),
    }),
    ({ agents }) =>
      agents.length === 0 ? 'I know of no other agent.' : ['These are here:', ...agents.map(agentLine)].join('\n'),
  ),
  message_agent: speak(
    z.object({ agent: z.string() }),
    ({ agent }) => `I have passed that on to ${agent}. The answer comes as soon as I have it.`,
  ),
  add_member: speak(z.object({ group }), ({ group }) => `Done: the group "${group.name}" has a new member.`),
  remove_member: speak(z.object({ group }), ({ group }) => `Done: the group "${group.name}" has one member less.`),
};

const failed = z.object({ ok: z.literal(false), error: z.string(), hint: z.string().optional() });

const waiting = z.object({ ok: z.literal(false), waiting: z.literal(true), approval: z.number() });

/** What the scripted model says about the result of a tool. */
export function answerFromTool({ tool, output }: { readonly tool: string; readonly output: unknown }): string {
  const failure = failed.safeParse(output);
  if (failure.success) {
    const { error, hint } = failure.data;
    return ['That did not work:', sentence(error), ...(hint ? [sentence(hint)] : [])].join(' ');
  }
  const request = waiting.safeParse(output);
  if (request.success) return `Somebody has to approve that first. It waits as number ${request.data.approval}.`;
  const answer = Object.hasOwn(ANSWERS, tool) ? ANSWERS[tool]?.words(output) : null;
  return answer ?? `Done (${tool}).`;
}

function groupLine({
  name,
  members,
  purpose,
}: {
  name: string;
  members: string[];
  purpose?: string | null | undefined;
}): string {
  return `- ${name}: ${joinNames(members)}${purpose ? ` (${purpose})` : ''}`;
}

function agentLine({ name, status, capabilities }: { name: string; status: string; capabilities: string[] }): string {
  return `- ${name}: ${status}${capabilities.length > 0 ? `, knows about ${joinNames(capabilities)}` : ''}`;
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
