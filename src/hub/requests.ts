import type { AgentId } from '../domain/addresses.ts';
import type { Clock } from '../lib/clock.ts';
import type { Json } from '../lib/json.ts';
import type { ConnectedAgent } from './connected-agents.ts';

export interface Task {
  readonly requestId: string;
  readonly message: string;
  /** Who gives it. */
  readonly sender: string;
}

/**
 * What became of a task.
 *
 * - `busy`: the agent has enough to do, and never saw it.
 * - `gone`: the agent left, and did not come back in time.
 * - `dropped`: nobody waits for it any more.
 */
export type Answer =
  | { readonly kind: 'response'; readonly response: Json }
  | { readonly kind: 'error'; readonly error: string }
  | { readonly kind: 'busy' | 'gone' | 'late' | 'dropped' | 'stopped' };

interface Open {
  readonly agent: AgentId;
  readonly task: Task;
  finish(answer: Answer): void;
}

interface AskOptions {
  readonly timeoutMs: number;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Tasks that one agent may have unanswered at a time. */
export const MOST_OPEN = 32;
/** How long an agent that left has to come back to its tasks, in milliseconds. */
const COME_BACK_WITHIN_MS = 15_000;

/** Tasks that were given and are not answered yet. An agent that comes back is given its own again. */
export class Requests {
  readonly #clock: Clock;
  readonly #find: (name: AgentId) => ConnectedAgent | undefined;
  readonly #open = new Map<string, Open>();
  readonly #away = new Map<AgentId, () => void>();
  #isStopping = false;
  #whenSettled: () => void = () => undefined;

  constructor(clock: Clock, find: (name: AgentId) => ConnectedAgent | undefined) {
    this.#clock = clock;
    this.#find = find;
  }

  has(requestId: string): boolean {
    return this.#open.has(requestId);
  }

  /** Gives a task to an agent; resolves with what becomes of it, and never rejects. An id that is in use is `busy`. */
  ask(agent: AgentId, task: Task, { timeoutMs, signal }: AskOptions): Promise<Answer> {
    const connection = this.#find(agent)?.connection;
    if (!connection || signal.aborted) return Promise.resolve({ kind: connection ? 'dropped' : 'gone' });
    const isBusy = connection.isCongested || this.has(task.requestId) || this.#of(agent).length >= MOST_OPEN;
    if (isBusy) return Promise.resolve({ kind: 'busy' });
    return new Promise((resolve) => {
      const drop = (): void => finish({ kind: 'dropped' });
      const cancelTimeout = this.#clock.timer(this.#clock.now() + timeoutMs, () => finish({ kind: 'late' }));
      const finish = (answer: Answer): void => {
        cancelTimeout();
        signal.removeEventListener('abort', drop);
        this.#open.delete(task.requestId);
        resolve(answer);
        if (this.#open.size === 0) this.#whenSettled();
      };
      signal.addEventListener('abort', drop, { once: true });
      this.#open.set(task.requestId, { agent, task, finish });
      connection.send({ type: 'task', ...task });
    });
  }

  /** False when this agent has no such task: it was answered, or nobody waits for it any more. */
  answer(agent: AgentId, requestId: string, answer: Answer): boolean {
    const open = this.#open.get(requestId);
    if (open?.agent !== agent) return false;
    open.finish(answer);
    return true;
  }

  isOpen(agent: AgentId, requestId: string): boolean {
    return this.#open.get(requestId)?.agent === agent;
  }

  joined({ name, connection }: ConnectedAgent): void {
    this.#away.get(name)?.();
    this.#away.delete(name);
    for (const { task } of this.#of(name)) connection.send({ type: 'task', ...task });
  }

  left(name: AgentId): void {
    if (this.#isStopping) return this.#finishAll(name, { kind: 'stopped' });
    this.#away.get(name)?.();
    const cancel = this.#clock.timer(this.#clock.now() + COME_BACK_WITHIN_MS, () => {
      this.#away.delete(name);
      this.#finishAll(name, { kind: 'gone' });
    });
    this.#away.set(name, cancel);
  }

  /** Waits for the answers of agents that are there until `giveUp` aborts; all others have had their time. */
  async stop(giveUp: AbortSignal): Promise<void> {
    this.#isStopping = true;
    for (const cancel of this.#away.values()) cancel();
    this.#away.clear();
    for (const open of [...this.#open.values()]) if (!this.#find(open.agent)) open.finish({ kind: 'stopped' });
    await this.#settled(giveUp);
    for (const { finish } of [...this.#open.values()]) finish({ kind: 'stopped' });
  }

  #settled(giveUp: AbortSignal): Promise<void> {
    if (this.#open.size === 0 || giveUp.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenSettled = resolve;
      giveUp.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #finishAll(agent: AgentId, answer: Answer): void {
    for (const { finish } of this.#of(agent)) finish(answer);
  }

  #of(agent: AgentId): Open[] {
    return [...this.#open.values()].filter((open) => open.agent === agent);
  }
}
