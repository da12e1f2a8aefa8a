import type { AgentId, MessageId } from '../domain/addresses.ts';
import type { Delivery, Lease } from '../domain/delivery.ts';

export interface Held {
  readonly message: MessageId;
  readonly lease: Lease;
}

interface LastPoll {
  readonly poller: string;
  readonly over: AbortController;
  held: readonly Held[];
}

/**
 * The last poll of each agent whose poller has a name. Such a poller polls again only when it has settled what it got, or when it has
 * not heard of its last poll: that one may be waiting still, or its answer was lost on the way.
 */
export class Pollers {
  readonly #last = new Map<AgentId, LastPoll>();

  /** Another poll: the one before it ends. The signal aborts when this one has to; `lost` is what the one before it was handed out. */
  begin(
    agent: AgentId,
    poller: string,
  ): { readonly over: AbortSignal; readonly lost: readonly Held[]; handOut(deliveries: readonly Delivery[]): void } {
    const last = this.#last.get(agent);
    const isSame = last?.poller === poller;
    if (isSame) last.over.abort();
    const poll: LastPoll = { poller, over: new AbortController(), held: [] };
    this.#last.set(agent, poll);
    return {
      over: poll.over.signal,
      lost: isSame ? last.held : [],
      handOut: (deliveries) => {
        poll.held = deliveries.map(({ message, lease }) => ({ message: message.id, lease }));
      },
    };
  }
}
