import { z } from 'zod';
import { groupId, type MessageId } from '../domain/addresses.ts';
import type { AgentCard } from '../domain/agent-card.ts';
import { CHAT_OUT, peerSchema } from '../domain/chat.ts';
import { normaliseIdentity } from '../security/identity.ts';
import type { AgentContext } from './context.ts';
import type { Effects } from './effects.ts';
import { GroupActions } from './groups.ts';

/** What was kept with an introduction: the group that the agent was to join. */
const introductionSchema = z.object({
  peer: peerSchema,
  about: z.object({
    joins: z.object({
      group: z.string().transform(groupId),
      place: z.object({ channel: z.string(), account: z.string(), peer: peerSchema }),
      askedBy: z.string(),
    }),
  }),
});

/** Lets an agent into the group that it was introduced for, now that it has said who it is. */
export function admit(
  context: AgentContext,
  effects: Effects,
  agent: Pick<AgentCard, 'id' | 'phone' | 'name'>,
  introduction: MessageId | null,
): void {
  const sent = introduction === null ? null : context.message(introduction);
  const parsed = sent?.payload.type === CHAT_OUT ? introductionSchema.safeParse(sent.payload.data) : null;
  if (!parsed?.success) return;
  const { peer, about } = parsed.data;
  // Only who was written to, and not whoever got hold of the introduction.
  if (agent.phone === null || normaliseIdentity(agent.phone) !== normaliseIdentity(peer.id)) return;
  const { group, place, askedBy } = about.joins;
  const name = context.groups.get(context.card.id, group)?.name;
  if (name === undefined) return;
  const answer = new GroupActions(context, effects, place, askedBy).addMember({ group: name, member: agent.id });
  effects.say(place, answer.ok ? `${agent.name} has answered, and is in ${name} now.` : answer.error, {
    label: 'joined',
  });
}
