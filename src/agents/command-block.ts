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

/** Does what a reply orders; returns what the person reads. */
export function obeyCommandBlocks(reply: string, actions: GroupActions): string {
  const { text, commands, malformed } = readCommandBlocks(reply);
  const lines = text === '' ? [] : [text];
  for (const command of commands) lines.push(obey(command, actions));
  if (malformed) lines.push('I wrote a command that is not valid, so nothing was done for it.');
  return lines.join('\n\n');
}

function obey(command: Command, actions: GroupActions): string {
  if (command.command === 'list-groups') return actions.rosters().join('\n') || 'There are no groups yet.';
  const answer = carryOut(command, actions);
  return answer.ok ? `Done: ${command.command}.` : [answer.error, answer.hint].filter(Boolean).join(' ');
}

function carryOut(command: Exclude<Command, { command: 'list-groups' }>, actions: GroupActions): ToolAnswer {
  switch (command.command) {
    case 'create-group':
      return actions.create(command);
    case 'add-member':
      return actions.addMember(command);
    case 'remove-member':
      return actions.removeMember(command);
    case 'group-message':
      return actions.message(command);
  }
}
