import type { AgentId, MessageId } from '../domain/addresses.ts';
import type { Delivery, Lease } from '../domain/delivery.ts';

interface Held {
  readonly message: MessageId;
  readonly lease: Lease;
}

/** What each agent's poller was handed out last. Its answer may have been lost on the way: then the poller asks again, and holds nothing. */
export class HandedOut {
  readonly #last = new Map<AgentId, { readonly poller: string; readonly held: readonly Held[] }>();

  note(agent: AgentId, poller: string, deliveries: readonly Delivery[]): void {
    this.#last.set(agent, { poller, held: deliveries.map(({ message, lease }) => ({ message: message.id, lease })) });
  }

  /** Of the last poll, if it was the same poller's; and forgets it. */
  take(agent: AgentId, poller: string): readonly Held[] {
    const last = this.#last.get(agent);
    if (last?.poller !== poller) return [];
    this.#last.delete(agent);
    return last.held;
  }
}
