import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { Json } from '../lib/json.ts';
import { AnsweredTasks, type TaskAnswer } from './answered-tasks.ts';
import { HUB_MOST_BYTES, type HubTask, sendable, type ToHub } from './hub-frames.ts';

export interface TaskControl {
  /** Aborts when nobody waits for the answer any more, because the agent is given up. */
  readonly signal: AbortSignal;
  /** Says how far it is, to whoever looks on at the hub; lost while there is no connection. */
  progress(progress: Json): void;
}

/** Does a task; what it returns is the answer, what it throws the reason why there is none. */
export type OnTask = (task: HubTask, control: TaskControl) => Promise<Json> | Json;

interface HubTasksOptions {
  readonly onTask: OnTask;
  readonly clock: Clock;
  /** Sends it if there is a connection. */
  readonly say: (frame: ToHub) => void;
}

/** The longest reason that is given for a failure, in characters. */
const MAX_REASON_CHARS = 2000;

/**
 * The tasks of an agent. The hub gives a task again when it does not know whether it was answered: it is not done again, but gets
 * the same answer.
 */
export class HubTasks {
  readonly #options: HubTasksOptions;
  readonly #inHand = new Map<string, Promise<void>>();
  readonly #answered: AnsweredTasks;
  readonly #givenUp = new AbortController();
  #isDraining = false;

  constructor(options: HubTasksOptions) {
    this.#options = options;
    this.#answered = new AnsweredTasks(options.clock);
  }

  /** The hub gives a task, perhaps not for the first time. While draining, new ones are left to the hub. */
  give(task: HubTask): void {
    const known = this.#answered.answerTo(task);
    if (known) this.#options.say(known);
    else if (!this.#inHand.has(task.requestId) && !this.#isDraining) this.#inHand.set(task.requestId, this.#do(task));
  }

  /** Takes nothing new; resolves when what is in hand is answered, or with `giveUp`, after which nothing is. */
  async drain(giveUp?: AbortSignal): Promise<void> {
    this.#isDraining = true;
    const givenUp = Promise.withResolvers<void>();
    const abandon = (): void => {
      this.#givenUp.abort(giveUp?.reason);
      givenUp.resolve();
    };
    if (giveUp?.aborted) abandon();
    giveUp?.addEventListener('abort', abandon, { once: true });
    await Promise.race([Promise.all(this.#inHand.values()), givenUp.promise]);
    giveUp?.removeEventListener('abort', abandon);
  }

  async #do(task: HubTask): Promise<void> {
    const answer = await this.#answer(task);
    this.#inHand.delete(task.requestId);
    if (this.#givenUp.signal.aborted) return;
    this.#answered.add(task, answer);
    this.#options.say(answer);
  }

  async #answer(task: HubTask): Promise<TaskAnswer> {
    const { requestId } = task;
    let isOver = false;
    const progress = (json: Json): void => {
      const said = isOver ? null : sendable(json);
      if (said) this.#options.say({ type: 'task-progress', requestId, progress: said.json });
    };
    try {
      const answer = await this.#options.onTask(task, { signal: this.#givenUp.signal, progress });
      const response = sendable(answer ?? null);
      if (response) return { type: 'task-response', requestId, response: response.json };
      const error = `The answer is not JSON of at most ${HUB_MOST_BYTES} bytes, nested at most 64 deep.`;
      return { type: 'task-error', requestId, error };
    } catch (error) {
      const reason = errorText(error).slice(0, MAX_REASON_CHARS).toWellFormed();
      return { type: 'task-error', requestId, error: reason || 'The task failed.' };
    } finally {
      isOver = true;
    }
  }
}
