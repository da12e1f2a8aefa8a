import { tool } from 'ai';
import { z } from 'zod';
import { type AgentId, agentAddress } from '../domain/addresses.ts';
import { type ChatIn, type ChatPanel, type ChatPlace, chatInSchema, placeOf } from '../domain/chat.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { Group } from '../domain/group.ts';
import { AGENT_ATTEMPTS } from '../domain/message.ts';
import type { Budget, Trace } from '../domain/trace.ts';
import type { AgentContext } from './context.ts';
import type { Effects } from './effects.ts';
import { panelGroup } from './groups.ts';
import { overhear } from './overheard.ts';
import { choicePrompt, systemPrompt } from './prompt.ts';
import { isWorthWaiting, takeTurn, waitForProvider } from './turn.ts';

type Member = ChatPanel['members'][number];

/** Where a panel discusses what a person has said there; null when the group is no panel that this agent is on. */
export function placeOfPanel({ card, message }: AgentContext, group: Group, { root }: Trace): ChatPlace | null {
  // What its own database has of the person's message is to be believed, whatever an envelope says.
  const asked = message(root);
  const place = placeOf(asked);
  if (!asked || !place || group.id !== panelGroup(group.host, place, group.members)) return null;
  const { panel } = chatInSchema.parse(asked.payload.data);
  const isOn = (id: AgentId): boolean => panel?.members.some((member) => member.id === id) ?? false;
  return panel?.chosen === 'shared' && isOn(card.id) && isOn(group.host) ? place : null;
}

/** Has this agent's model choose who of a panel answers a message, and hands it on to them. One that chooses nobody chooses all. */
export async function chooseSpeakers(
  context: AgentContext,
  delivery: Delivery,
  chat: ChatIn,
  panel: ChatPanel,
  begun: Effects,
  signal: AbortSignal,
): Promise<Settlement> {
  const { directory } = context;
  const known = panel.members.map(({ id }) => directory.get(id)).flatMap((card) => card ?? []);
  let chosen: readonly string[] = [];
  const request = {
    delivery,
    trace: begun.trace,
    system: systemPrompt(context),
    messages: [choicePrompt(known, chat.text)],
    tools: () => {
      chosen = [];
      return {
        choose_agents: tool({
          description: 'Say who is to answer.',
          inputSchema: z.object({ agents: z.array(z.string()).describe('Names of agents') }),
          execute: ({ agents }) => {
            chosen = agents;
            return { ok: true };
          },
        }),
      };
    },
  };
  const outcome = await takeTurn(context, request, signal);
  if (outcome.kind === 'waiting' && isWorthWaiting(context, delivery, outcome.retryAfterMs)) {
    return waitForProvider(outcome, null);
  }
  // Where it cannot choose, the others may answer all the same.
  const effects = outcome.kind === 'waiting' ? begun : outcome.effects;
  const said = outcome.kind === 'answered' ? (outcome.text ?? '') : '';
  const isChosen = ({ id }: Member): boolean => {
    const names = [id, directory.get(id)?.name ?? id].map((name) => name.toLowerCase());
    return chosen.length > 0
      ? chosen.some((name) => names.includes(name.trim().toLowerCase()))
      : names.some((name) => said.toLowerCase().includes(name));
  };
  const left = outcome.kind === 'answered' ? outcome.left : begun.trace.budget;
  const members = panel.members.filter(isChosen);
  if (chat.peer.kind === 'group' && members.length > 0 && members.length < panel.members.length) {
    effects.write(overhear(context.sessions, chat, delivery.message.id, effects.now));
  }
  handOn(effects, delivery, panel, { members: members.length > 0 ? members : panel.members, left });
  const { outputs, also } = effects.finish(begun.trace.budget);
  return { kind: 'ack', outputs, also };
}

/**
 * Lets those of a panel who answer after this agent go on, when it has waited for a provider for long enough: its own answer comes when
 * there is one.
 */
export function stepAside(
  context: AgentContext,
  delivery: Delivery,
  panel: ChatPanel | undefined,
  effects: Effects,
  waiting: Extract<Settlement, { kind: 'nack' }>,
): Settlement {
  const { delayMs = 0, outputs = [] } = waiting;
  const own = panel?.members.find(({ id }) => id === context.card.id);
  const isInTheWay = own !== undefined && panel?.members.some(({ rank }) => rank > own.rank);
  if (!panel || !isInTheWay || isWorthWaiting(context, delivery, delayMs)) return waiting;
  handOn(effects, delivery, panel, { members: [own], left: effects.trace.budget, deliverAt: effects.now + delayMs });
  const handed = effects.finish(effects.trace.budget);
  return { kind: 'ack', outputs: [...outputs, ...handed.outputs], also: handed.also };
}

function handOn(
  effects: Effects,
  { message }: Delivery,
  panel: ChatPanel,
  {
    members,
    left,
    deliverAt,
  }: { readonly members: readonly Member[]; readonly left: Budget; readonly deliverAt?: number },
): void {
  const { from, conversation, body, payload, trace, expiresAt } = message;
  const isShared = panel.chosen === 'shared' && members.length > 1;
  const recipients = isShared ? members.slice(0, 1) : members;
  const data =
    payload.data !== null && typeof payload.data === 'object' && !Array.isArray(payload.data) ? payload.data : {};
  effects.pass({
    id: effects.id('chosen'),
    from,
    deliveries: recipients.map(({ id, rank }) => ({
      to: agentAddress(id),
      orderingKey: conversation,
      maxAttempts: AGENT_ATTEMPTS,
      rank,
    })),
    conversation,
    body,
    payload: {
      type: payload.type,
      data: { ...data, panel: { ...panel, members: [...members], mode: isShared ? 'shared' : 'each' } },
    },
    trace: { ...trace, budget: left },
    ttlMs: expiresAt === null ? null : Math.max(1, expiresAt - (deliverAt ?? effects.now)),
    ...(deliverAt !== undefined && { deliverAt }),
  });
}
