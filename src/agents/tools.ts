import { type ToolSet, tool } from 'ai';
import { z } from 'zod';
import { type ConversationId, conversationId } from '../domain/addresses.ts';
import { readsEnvelopes } from '../domain/agent-card.ts';
import { deriveId } from '../lib/ids.ts';
import { lineSchema } from '../protocol/ai-comms-1.0.ts';
import type { AgentContext } from './context.ts';
import type { Effects } from './effects.ts';
import type { GroupActions, ToolAnswer } from './groups.ts';

const name = z.string().trim().pipe(lineSchema(128));
const text = z.string().trim().min(1).max(10_000);

/** The input of each group tool: also what a command in a reply has to look like. */
export const groupInputs = {
  create_group: z.object({
    name: name.describe('What the group is called'),
    members: z.array(name).optional().describe('Names of agents; you are in it in any case'),
    purpose: z.string().max(500).optional(),
  }),
  add_member: z.object({ group: name, member: name, phone: z.string().max(40).optional() }),
  remove_member: z.object({ group: name, member: name }),
  group_message: z.object({ group: name, text: text.describe('The question, as it was asked') }),
  list_groups: z.object({}),
};

export function groupTools(actions: GroupActions): ToolSet {
  return {
    create_group: tool({
      description: 'Make a group of agents. You lead it. Ask the person when a name is unknown or ambiguous.',
      inputSchema: groupInputs.create_group,
      execute: (input) => actions.create(input),
    }),
    add_member: tool({
      description: 'Add an agent to a group that you lead.',
      inputSchema: groupInputs.add_member,
      execute: (input) => actions.addMember(input),
    }),
    remove_member: tool({
      description: 'Take an agent out of a group that you lead.',
      inputSchema: groupInputs.remove_member,
      execute: (input) => actions.removeMember(input),
    }),
    group_message: tool({
      description:
        'Put a question to a group. Its members discuss it; you will be asked for the summary when they are done.',
      inputSchema: groupInputs.group_message,
      execute: (input) => actions.message(input),
    }),
    list_groups: tool({
      description: 'The groups that you are in, and who else is in them.',
      inputSchema: groupInputs.list_groups,
      execute: () => actions.list(),
    }),
  };
}

/** Talking to one other agent. `conversation`: that in which it is wanted. */
export function messagingTools({ card, directory }: AgentContext, effects: Effects, conversation: string): ToolSet {
  let sent = 0;
  const message = (agent: string, body: string): ToolAnswer => {
    const [found, another] = directory.find(agent);
    if (!found) return { ok: false, error: `I know no agent called ${agent}.`, hint: 'Ask which one is meant.' };
    if (another) return { ok: false, error: `More than one agent is called ${agent}.`, hint: 'Ask for the id.' };
    if (found.id === card.id) return { ok: false, error: 'That is yourself.' };
    const label = `message:${sent++}`;
    const between = conversationBetween(conversation, card.id, found.id);
    if (readsEnvelopes(found)) {
      const chat = { label, intent: 'chat', payload: body, conversation: between, expectsWork: true } as const;
      effects.send({ ...chat, to: [found] });
    } else effects.assign({ label, to: found, text: body, conversation: between });
    return { ok: true, agent: found.name };
  };
  return {
    message_agent: tool({
      description: 'Write to another agent. Its reply comes to you later, as a message of its own.',
      inputSchema: z.object({ agent: name, text }),
      execute: ({ agent, text: body }) => message(agent, body),
    }),
    list_agents: tool({
      description: 'The agents that you can write to or put into groups.',
      inputSchema: z.object({}),
      execute: (): ToolAnswer => ({
        ok: true,
        agents: directory
          .list()
          .map(({ name: called, status, capabilities }) => ({ name: called, status, capabilities })),
      }),
    }),
  };
}

/** One conversation for each pair of agents in each conversation in which they talk. */
function conversationBetween(conversation: string, one: string, other: string): ConversationId {
  return conversationId(deriveId('conv', conversation, ...[one, other].sort()));
}
