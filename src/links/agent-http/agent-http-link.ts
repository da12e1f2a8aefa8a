import { z } from 'zod';
import type { AgentCard } from '../../domain/agent-card.ts';
import { ParleyError } from '../../domain/errors.ts';
import { TASK, type TaskAnswer } from '../../domain/task.ts';
import type { Clock } from '../../lib/clock.ts';
import type { GuardedResponse, RequestFailure } from '../../lib/guarded-request.ts';
import { parseJson } from '../../protocol/bounded-json.ts';
import { MAX_BODY_BYTES, type MessageV2 } from '../../protocol/message-v2.ts';
import type { Link } from '../link.ts';
import { type HttpAgent, requestTo } from './http-agent.ts';

export interface AgentHttpLinkOptions {
  /** Where the agent is, and its key, as this process was told; null when it was not. A card is no source of either: others write cards. */
  readonly agentOf: (id: AgentCard['id']) => HttpAgent | null;
  /** How long an agent may work on a task. An answer that comes later is lost, and the task is given again. */
  readonly taskTimeoutMs: number;
  readonly clock: Clock;
}

/** How much of what an agent says of an error is told. */
const MAX_ERROR_CHARS = 500;
/** What is refused now may be taken later: 408 Request Timeout, 429 Too Many Requests. */
const NOT_NOW: readonly number[] = [408, 429];

const responseSchema = z.object({ response: z.string() });
const errorSchema = z.object({ error: z.string() });

/**
 * The way to agents that answer over HTTP while one waits: `POST {url}/chat`. That protocol knows no message ids. When an answer is
 * lost the task is given again, and an agent that does not look at `Idempotency-Key`, the id of the message, does it twice.
 */
export class AgentHttpLink implements Link {
  readonly #agentOf: AgentHttpLinkOptions['agentOf'];
  readonly #taskTimeoutMs: number;
  readonly #clock: Clock;

  constructor({ agentOf, taskTimeoutMs, clock }: AgentHttpLinkOptions) {
    this.#agentOf = agentOf;
    this.#taskTimeoutMs = taskTimeoutMs;
    this.#clock = clock;
  }

  /**
   * What the agent has made of the task. Rejects with MESSAGE_INVALID for what is no task, with CONFIG_INVALID when this process does
   * not know the agent, and with CHANNEL_SEND_FAILED when it is only not possible now.
   */
  async deliver(message: MessageV2, { id }: AgentCard, signal?: AbortSignal): Promise<TaskAnswer> {
    const task = taskIn(message);
    const agent = this.#agentOf(id);
    if (!agent) {
      throw new ParleyError('CONFIG_INVALID', `Nobody has said here how '${id}' is reached.`, {
        hint: 'List it in MULTI_AGENT_REGISTRY or MULTI_AGENT_PORTS, or remove it: parley deregister.',
      });
    }
    const answer = await requestTo(
      agent,
      'chat',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': message.id },
        body: JSON.stringify({ message: task, sender: message.from }),
        timeoutMs: this.#taskTimeoutMs,
        maxBytes: MAX_BODY_BYTES,
        signal,
      },
      this.#clock,
    );
    return answer.ok ? understood(answer.value, agent) : unanswered(answer.error, agent);
  }
}

/** The words for the agent. Throws MESSAGE_INVALID for an envelope, and whatever else it would not understand. */
function taskIn({ payload, body }: MessageV2): string {
  const plain = payload.type === TASK || (payload.type === 'text' && payload.data['original_type'] === undefined);
  if (plain && body.trim() !== '') return body;
  throw new ParleyError('MESSAGE_INVALID', 'An agent that is reached over HTTP understands only tasks and text.', {
    hint: 'Send it a task_assignment or a text, with what it is to do in the body.',
  });
}

function understood({ status, body }: GuardedResponse, agent: HttpAgent): TaskAnswer {
  const said = parseJson(body.toString());
  const error = errorSchema.safeParse(said).data?.error.slice(0, MAX_ERROR_CHARS).toWellFormed();
  const told = `it answered ${status}${error ? `: ${error}` : ''}`;
  if (status >= 200 && status < 300) {
    const response = responseSchema.safeParse(said).data?.response;
    if (response !== undefined) return { ok: true, text: response.toWellFormed() };
    return failed(agent, error ?? 'it answered something else than { response }');
  }
  if (status === 401 || status === 403) {
    return failed(agent, `it refuses ${agent.apiKey === null ? 'whoever has no key' : 'its key'}; ${told}`);
  }
  if (status < 400 || status >= 500 || NOT_NOW.includes(status)) throw notNow(agent, told);
  return failed(agent, told);
}

/** What would be the same the next time is an answer, so that whoever waits for it hears of it. */
function unanswered({ kind, reason }: RequestFailure, agent: HttpAgent): TaskAnswer {
  switch (kind) {
    case 'blocked':
      return failed(
        agent,
        `its address is not allowed (${reason}); for agents of one's own network there is MULTI_AGENT_ALLOW_PRIVATE=true`,
      );
    case 'too-large':
      return failed(agent, reason);
    case 'failed':
    case 'timed-out':
      throw notNow(agent, reason);
  }
}

const failed = ({ name }: HttpAgent, why: string): TaskAnswer => ({ ok: false, error: `${name}: ${why}` });

function notNow({ name }: HttpAgent, why: string): ParleyError {
  return new ParleyError('CHANNEL_SEND_FAILED', `${name} cannot be reached now: ${why}`, {
    hint: 'What is for it waits here, and is delivered when it is back.',
  });
}
