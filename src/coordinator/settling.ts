import { ParleyError } from '../domain/errors.ts';
import type { Transport } from '../links/transport.ts';

/** Why a message cannot be settled for an agent, from how it stands now. */
export function notSettleable(transport: Transport, id: string, agent: string): ParleyError {
  const deliveries = transport.status(id);
  if (deliveries.length === 0) {
    return new ParleyError('MESSAGE_INVALID', `There is no message '${id}'.`, {
      hint: `Look at the id that the poll gave: parley poll ${agent}. What was settled long ago has been cleaned up.`,
    });
  }
  const delivery = deliveries.find(({ to }) => to === agent);
  if (!delivery) {
    const others = deliveries.map(({ to }) => `'${to}'`).join(', ');
    return new ParleyError('MESSAGE_INVALID', `Message ${id} was not for '${agent}' but for ${others}.`, {
      hint: 'Give the agent that polled it.',
    });
  }
  const lost = (how: string, hint: string): ParleyError =>
    new ParleyError('LEASE_LOST', `Message ${id} ${how}.`, { hint });
  switch (delivery.status) {
    case 'leased':
      return lost(
        `is leased to '${agent}' under another token`,
        'Its lease ran out and it was handed out again: drop it.',
      );
    case 'acked':
      return lost(`was already acked by '${agent}'`, 'There is nothing left to do.');
    case 'failed':
      return lost(
        `is not leased: it failed after ${delivery.attempts} attempt(s)`,
        `It is among the dead letters. To try it again: parley dlq redrive ${id}`,
      );
    case 'expired':
      return lost('is not leased: its time to live was over', 'Send it again, if it still matters.');
    case 'queued':
    case 'blocked':
      return lost(
        `is ${delivery.status} for '${agent}', not leased: its lease ran out, or nobody has polled it yet`,
        `Poll it first: parley poll ${agent}`,
      );
  }
}
