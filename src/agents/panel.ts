import { tool } from 'ai';
import { z } from 'zod';
import { agentAddress } from '../domain/addresses.ts';
import type { ChatIn, ChatPanel } from '../domain/chat.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { AgentContext } from './context.ts';
import type { Effects } from './effects.ts';
import { choicePrompt, systemPrompt } from './prompt.ts';
import { takeTurn, waitForProvider } from './turn.ts';

type Member = ChatPanel['members'][number];

const AGENT_ATTEMPTS = 10;

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
  // Whoever waits for an answer waits for a provider all the same: the others may have one.
  if (outcome.kind === 'waiting') return waitForProvider(outcome.retryAfterMs, null);
  const said = outcome.kind === 'answered' ? (outcome.text ?? '') : '';
  const isChosen = ({ id }: Member): boolean => {
    const names = [id, directory.get(id)?.name ?? id].map((name) => name.toLowerCase());
    return chosen.length > 0
      ? chosen.some((name) => names.includes(name.trim().toLowerCase()))
      : names.some((name) => said.toLowerCase().includes(name));
  };
  const members = panel.members.filter(isChosen);
  handOn(outcome.effects, delivery, panel, members.length > 0 ? members : panel.members);
  const { outputs, also } = outcome.effects.finish(begun.trace.budget);
  return { kind: 'ack', outputs, also };
}

function handOn(effects: Effects, { message }: Delivery, panel: ChatPanel, members: readonly Member[]): void {
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
    trace,
    ttlMs: expiresAt === null ? null : Math.max(1, expiresAt - effects.now),
  });
}
