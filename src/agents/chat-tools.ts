import type { ToolSet } from 'ai';
import { type ChatPlace, sessionKey } from '../domain/chat.ts';
import { withApproval } from './approvals.ts';
import type { AgentContext } from './context.ts';
import type { Effects } from './effects.ts';
import { GroupActions } from './groups.ts';
import { sendingTools } from './toolbox/send-file.ts';
import { selectTools, toolsNamed } from './toolbox/tool-policy.ts';
import { groupTools, messagingTools } from './tools.ts';

/** The tools of a turn in a chat, for a person: a call of some of them waits until somebody has approved it. */
export function chatTools(context: AgentContext, effects: Effects, place: ChatPlace, person: string): ToolSet {
  const tools = ownTools(context, effects, place, person);
  return withApproval(context, effects, tools, toolsNamed(context.toolPolicy.approve), { place, person });
}

/** The same, and none of them waits. */
export function ownTools(context: AgentContext, effects: Effects, place: ChatPlace, person: string): ToolSet {
  const { card, toolPolicy, extraTools } = context;
  const all = {
    ...groupTools(new GroupActions(context, effects, place, person)),
    ...messagingTools(context, effects, sessionKey(card.id, place)),
    ...extraTools(effects),
    ...fileTools(context, effects, place),
  };
  return selectTools(all, toolPolicy);
}

/** The tools of a turn in a discussion of a panel. Its agents are talking with each other as it is. */
export function panelTools(context: AgentContext, effects: Effects, place: ChatPlace, person: string): ToolSet {
  const { toolPolicy, extraTools } = context;
  const tools = selectTools({ ...extraTools(effects), ...fileTools(context, effects, place) }, toolPolicy);
  return withApproval(context, effects, tools, toolsNamed(toolPolicy.approve), { place, person });
}

/** The tools of a turn for another agent. Nobody can be asked there: what needs approval is not among them. */
export function peerTools(context: AgentContext, effects: Effects, conversation: string): ToolSet {
  const { allow, deny, approve } = context.toolPolicy;
  return selectTools(messagingTools(context, effects, conversation), { allow, deny: [...deny, ...approve] });
}

function fileTools({ fileSending }: AgentContext, effects: Effects, place: ChatPlace): ToolSet {
  const sending = fileSending(place);
  return sending ? sendingTools(sending, effects, place) : {};
}
