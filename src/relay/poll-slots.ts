import type { AgentId } from '../domain/addresses.ts';
import { Refusal } from './refusal.ts';

/** How many polls of one agent may be open at once. */
const MAX_POLLS = 8;

/** Keeps an agent from filling the relay with polls that wait. */
export class PollSlots {
  readonly #open = new Map<AgentId, number>();

  /** Does it within one of the agent's slots. Rejects with RATE_LIMITED when all are taken. */
  async within<T>(agent: AgentId, poll: () => Promise<T>): Promise<T> {
    const open = this.#open.get(agent) ?? 0;
    if (open >= MAX_POLLS) throw new Refusal('RATE_LIMITED', `${open} polls of '${agent}' are open already.`);
    this.#open.set(agent, open + 1);
    try {
      return await poll();
    } finally {
      const left = (this.#open.get(agent) ?? 1) - 1;
      if (left > 0) this.#open.set(agent, left);
      else this.#open.delete(agent);
    }
  }
}
