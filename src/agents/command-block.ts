import { z } from 'zod';
import type { GroupActions, ToolAnswer } from './groups.ts';
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

const FENCE = /```(?:json)?[ \t]*\n([^`]*)\n[ \t]*```/g;

export interface CommandBlocks {
  /** The reply without its commands. */
  readonly text: string;
  readonly commands: readonly Command[];
  /** Why a block that was meant as a command is not one. It is not executed. */
  readonly malformed: readonly string[];
}

/** Finds the commands in a reply. A block that names no `command` is left in the text: it is an example, not an order. */
export function readCommandBlocks(reply: string): CommandBlocks {
  const commands: Command[] = [];
  const malformed: string[] = [];
  const text = reply.replace(FENCE, (block, body: string) => {
    if (!body.includes('"command"')) return block;
    const parsed = parse(body);
    if (!parsed.success) malformed.push(z.prettifyError(parsed.error));
    else commands.push(parsed.data);
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

/** Does what a reply orders; returns what the person reads. */
export function obeyCommandBlocks(reply: string, actions: GroupActions): string {
  const { text, commands, malformed } = readCommandBlocks(reply);
  const lines = text === '' ? [] : [text];
  for (const command of commands) {
    const answer = obey(command, actions);
    lines.push(answer.ok ? `Done: ${command.command}.` : [answer.error, answer.hint].filter(Boolean).join(' '));
  }
  if (malformed.length > 0) lines.push('I wrote a command that is not valid, so nothing was done for it.');
  return lines.join('\n\n');
}

function obey(command: Command, actions: GroupActions): ToolAnswer {
  switch (command.command) {
    case 'create-group':
      return actions.create(command);
    case 'add-member':
      return actions.addMember(command);
    case 'remove-member':
      return actions.removeMember(command);
    case 'group-message':
      return actions.message(command);
    case 'list-groups':
      return actions.list();
  }
}
