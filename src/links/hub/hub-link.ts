import { type HubClient, HubError } from '../../client/index.ts';
import type { AgentCard } from '../../domain/agent-card.ts';
import { ParleyError } from '../../domain/errors.ts';
import { TASK, type TaskAnswer } from '../../domain/task.ts';
import { deriveId } from '../../lib/ids.ts';
import type { Json } from '../../lib/json.ts';
import { looksLikeEnvelope } from '../../protocol/ai-comms-1.0.ts';
import type { MessageV2 } from '../../protocol/message-v2.ts';
import type { Link } from '../link.ts';

/** How long the hub is asked to hold a question for the answer of a task, in seconds. */
const WAIT_SECONDS = 20;

/** The parts of the client that a link needs. */
export type HubTasks = Pick<HubClient, 'task' | 'queue' | 'taskStatus'>;

/**
 * The way to agents on an Agent Hub. An envelope is a task whose answer says that it is durable on the other side; while its recipient
 * is away it waits here, and not on the hub, where it would grow stale. A plain task waits on the hub, if that has a database.
 */
export class HubLink implements Link {
  readonly #client: HubTasks;

  constructor(client: HubTasks) {
    this.#client = client;
  }

  async deliver(
    { id, from, body, payload }: MessageV2,
    to: AgentCard,
    signal?: AbortSignal,
  ): Promise<TaskAnswer | null> {
    const options = { id: taskId(id, to.id), sender: from, signal };
    const isEnvelope = looksLikeEnvelope(body);
    try {
      if (isEnvelope) {
        await this.#client.task(to.id, body, options);
        return null;
      }
      if (!isPlain(payload)) {
        throw new ParleyError('MESSAGE_INVALID', `${to.name} takes tasks, and this is a ${payload.type}.`);
      }
      return answerOf(await this.#ask(to.id, body, options));
    } catch (error) {
      if (!(error instanceof HubError) || signal?.aborted) throw error;
      // What its recipient makes of an envelope comes in another: here it has only left, or could not store it.
      if (isEnvelope && error.code === 'agent-failed')
        throw notNow(`${to.name} has not taken it: ${error.message}`, error);
      return failureOf(error, to);
    }
  }

  /** Queued, the task survives that we, the hub or the agent stop while it is under way, and is not given twice for it. */
  async #ask(
    agent: string,
    text: string,
    options: { id: string; sender: string; signal: AbortSignal | undefined },
  ): Promise<Json> {
    try {
      await this.#client.queue(agent, text, options);
    } catch (error) {
      if (error instanceof HubError && error.code === 'no-database') return this.#client.task(agent, text, options);
      throw error;
    }
    for (;;) {
      const { status, response, error } = await this.#client.taskStatus(options.id, {
        waitSeconds: WAIT_SECONDS,
        signal: options.signal,
      });
      if (status === 'done') return response ?? null;
      if (status === 'failed' || status === 'expired') throw new HubError('agent-failed', error ?? `It has ${status}.`);
    }
  }
}

/** A task, or what somebody has just written. */
const isPlain = ({ type, data }: MessageV2['payload']): boolean =>
  type === TASK || (type === 'text' && data['original_type'] === undefined);

/** One message may be for several agents. The hub takes ids of at most 200 characters. */
function taskId(message: string, agent: string): string {
  const id = `${message}@${agent}`;
  return id.length <= 200 ? id : deriveId('task', message, agent);
}

/** Agents answer with text, as a rule; whatever else it is, is told as JSON. */
function answerOf(response: Json): TaskAnswer {
  return { ok: true, text: typeof response === 'string' ? response : JSON.stringify(response) };
}

/** What the agent or the hub will say again is an answer; the rest is tried again. */
function failureOf(error: HubError, { name }: AgentCard): TaskAnswer {
  switch (error.code) {
    case 'agent-failed':
      return { ok: false, error: error.message };
    case 'bad-request':
    case 'too-large':
      throw new ParleyError('MESSAGE_INVALID', `The hub does not take it: ${error.message}`, { cause: error });
    case 'unknown-agent':
      throw notNow(`${name} is not on the hub now.`, error);
    default:
      throw new ParleyError('CHANNEL_SEND_FAILED', `The hub cannot be used now: ${error.message}`, {
        hint: error.hint,
        cause: error,
      });
  }
}

const notNow = (why: string, cause: HubError): ParleyError =>
  new ParleyError('CHANNEL_SEND_FAILED', why, { hint: 'What is for it waits here until it is back.', cause });
