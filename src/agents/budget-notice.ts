import { type ConversationId, messageId } from '../domain/addresses.ts';
import { placeOf } from '../domain/chat.ts';
import { deriveId } from '../lib/ids.ts';
import type { AgentContext } from './context.ts';
import type { Effects, Exhaustion } from './effects.ts';

const WHY: Record<Exhaustion, string> = {
  turns: 'its budget of turns is spent',
  tokens: 'its budget of tokens is spent',
  money: 'its budget of money is spent',
  hops: 'one message may not give rise to a longer chain of others',
};

/**
 * Sees to it that the person whose message began an exchange learns why it ended: tells it, where the agent is the one that was
 * spoken to, or lets that agent know. Once for each exchange, however many agents run out: the ids follow from the root.
 */
export function tellWhyItStopped(
  context: AgentContext,
  effects: Effects,
  why: Exhaustion,
  conversation: ConversationId,
): void {
  const { card, directory, message } = context;
  const { root, origin } = effects.trace;
  if (origin === card.id) {
    const place = placeOf(message(root));
    const text = `I have stopped the exchange that your message began: ${WHY[why]}. Write again if it is to go on.`;
    if (place) effects.say(place, text, { id: messageId(deriveId('msg', root, 'stopped')) });
    return;
  }
  const host = origin === null ? null : directory.get(origin);
  if (host)
    effects.send({
      label: 'stopped',
      to: [host],
      intent: 'notice',
      payload: { stopped: why },
      conversation,
      expectsWork: false,
    });
}
