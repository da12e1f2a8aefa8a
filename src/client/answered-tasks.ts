import type { Clock } from '../lib/clock.ts';
import type { HubTask, ToHub } from './hub-frames.ts';

export type TaskAnswer = Extract<ToHub, { type: 'task-response' | 'task-error' }>;

interface Answered {
  readonly task: HubTask;
  readonly answer: TaskAnswer;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly chars: number;
}

/** How many answers are remembered, how many characters they and their tasks have together, and for how long in milliseconds. */
const MOST_ANSWERS = 256;
const MOST_CHARS = 16 * 1024 * 1024;
const REMEMBER_MS = 60 * 60 * 1000;

/** What was lately answered, in case that the answer was lost on its way. */
export class AnsweredTasks {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #byId = new Map<string, Answered>();
  #chars = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer to this very task: whoever gives a task may use an id again for another. */
  answerTo({ requestId, message, sender }: HubTask): TaskAnswer | null {
    this.#forget();
    const known = this.#byId.get(requestId);
    return known?.task.message === message && known.task.sender === sender ? known.answer : null;
  }

  add(task: HubTask, answer: TaskAnswer): void {
    this.#drop(task.requestId);
    const chars = task.message.length + JSON.stringify(answer).length;
    this.#byId.set(task.requestId, { task, answer, at: this.#clock.now(), chars });
    this.#chars += chars;
    this.#forget();
  }

  #forget(): void {
    const before = this.#clock.now() - REMEMBER_MS;
    for (const [requestId, { at }] of this.#byId) {
      if (this.#byId.size <= MOST_ANSWERS && this.#chars <= MOST_CHARS && at > before) return;
      this.#drop(requestId);
    }
  }

  #drop(requestId: string): void {
    this.#chars -= this.#byId.get(requestId)?.chars ?? 0;
    this.#byId.delete(requestId);
  }
}
