import type { ToolSet } from 'ai';
import { z } from 'zod';
import { callTool, type ToolCall } from './call-tool.ts';
import { groupInputs } from './tools.ts';

/** A command in a reply: models without tools write ```json {"command":"create-group", …} ``` instead of calling one. */
const commandSchema = z.discriminatedUnion('command', [
  groupInputs.create_group.extend({ command: z.literal('create-group') }),
  groupInputs.add_member.extend({ command: z.literal('add-member') }),
  groupInputs.remove_member.extend({ command: z.literal('remove-member') }),
  groupInputs.group_message.extend({ command: z.literal('group-message') }),
  groupInputs.list_groups.extend({ command: z.literal('list-groups') }),
]);
type Command = z.infer<typeof commandSchema>;

const FENCE = /```(?:json)?[ \t]*\r?\n([^`]*)\n[ \t]*```/g;

interface CommandBlocks {
  /** The reply without its commands. */
  readonly text: string;
  readonly commands: readonly Command[];
  /** Something was meant as a command and is not one. It is not executed. */
  readonly malformed: boolean;
}

/** Finds the commands in a reply. A block that names no `command` is left in the text: it is an example, not an order. */
function readCommandBlocks(reply: string): CommandBlocks {
  const commands: Command[] = [];
  let malformed = false;
  const text = reply.replace(FENCE, (block, body: string) => {
    if (!body.includes('"command"')) return block;
    const parsed = parse(body);
    if (parsed.success) commands.push(parsed.data);
    else malformed = true;
    return '';
  });
  return { text: text.trim(), commands, malformed };
}

function parse(body: string): z.ZodSafeParseResult<Command> {
  try {
    return commandSchema.safeParse(JSON.parse(body));
  } catch {
    return commandSchema.safeParse(null);
  }
}

/** What a tool of this kind answers. */
const answerSchema = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  hint: z.string().optional(),
  note: z.string().optional(),
  groups: z.array(z.object({ name: z.string(), members: z.array(z.string()) })).optional(),
});

/** Does what a reply orders, with the tools of its turn and no others; returns what the person reads. */
export async function obeyCommandBlocks(reply: string, tools: ToolSet, call: ToolCall): Promise<string> {
  const { text, commands, malformed } = readCommandBlocks(reply);
  const lines = text === '' ? [] : [text];
  for (const command of commands) lines.push(await obey(command, tools, call));
  if (malformed) lines.push('I wrote a command that is not valid, so nothing was done for it.');
  return lines.join('\n\n');
}

async function obey({ command, ...input }: Command, tools: ToolSet, call: ToolCall): Promise<string> {
  const tool = tools[command.replaceAll('-', '_')];
  if (!tool) return `I may not do that: ${command}.`;
  const { ok, groups, error, hint, note } = answerSchema.parse(await callTool(tool, input, call));
  if (groups) return groups.map(rosterOf).join('\n') || 'There are no groups yet.';
  return ok ? `Done: ${command}.` : [error, hint, note].filter(Boolean).join(' ');
}

const rosterOf = ({ name, members }: { readonly name: string; readonly members: readonly string[] }): string =>
  `${name} (${members.join(', ')})`;
