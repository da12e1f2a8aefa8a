import { z } from 'zod';
import { type AgentId, agentAddress, agentOf, conversationId, messageId, systemAddress } from '../domain/addresses.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { Message, NewMessage } from '../domain/message.ts';
import { startTrace } from '../domain/trace.ts';
import { deriveId, newId } from '../lib/ids.ts';
import type { Json } from '../lib/json.ts';
import { hubAgentName, hubJson } from '../protocol/hub-frames.ts';
import type { ConnectedAgent } from './connected-agents.ts';
import type { HubOptions, HubStore } from './options.ts';
import type { Requests, Task } from './requests.ts';

const HUB = systemAddress('hub');
/** Nobody takes answers out of it: they are looked up by their ids until their time is over. */
const ANSWERS = systemAddress('hub-answers');

/** A task that makes its agent crash each time ends as a dead letter after so many attempts. */
const ATTEMPTS = 10;
/** How long a message waits when its recipient has no room for it, in milliseconds. */
const BUSY_MS = 1_000;
/** How long what the hub did not write is left alone, in milliseconds: somebody else's database may have been given to it. */
const FOREIGN_MS = 60_000;

const TASK = 'hub-task';
const MESSAGE = 'hub-message';
const taskData = z.object({ message: z.string(), sender: z.string() });
const messageData = z.object({ from: hubAgentName, message: hubJson });
const answerData = z.union([z.object({ response: hubJson }), z.object({ error: z.string() })]);

/** How far a task is that waits in a mailbox. */
export type QueuedTask = {
  readonly id: string;
  readonly agent: string;
  readonly status: 'waiting' | 'given' | 'done' | 'failed' | 'expired';
  readonly attempts: number;
  readonly response?: Json;
  readonly error?: string;
};

/** What waits for agents: each has a mailbox on the spool, which is served while it is connected. */
export class Mailboxes {
  readonly #store: HubStore;
  readonly #requests: Requests;
  readonly #options: Pick<HubOptions, 'clock'> & { readonly taskTimeoutMs: number };
  readonly #served = new Map<ConnectedAgent, ReturnType<HubStore['serve']>>();
  #isStopping = false;

  constructor(
    store: HubStore,
    requests: Requests,
    options: Pick<HubOptions, 'clock'> & { readonly taskTimeoutMs: number },
  ) {
    this.#store = store;
    this.#requests = requests;
    this.#options = options;
  }

  /** Resolves when the task is on the disk. False when one with this id was there already. */
  async putTask(agent: AgentId, { requestId, message, sender }: Task): Promise<boolean> {
    return this.#put(agent, requestId, { type: TASK, data: { message, sender } });
  }

  /** Resolves when the message is on the disk. */
  async putMessage(from: AgentId, to: AgentId, message: Json): Promise<void> {
    await this.#put(to, newId('msg', this.#options.clock.now()), { type: MESSAGE, data: { from, message } });
  }

  /** A task that was put, or null. */
  task(id: string): QueuedTask | null {
    const { spool } = this.#store;
    const message = spool.message(messageId(id));
    const [report] = message?.payload.type === TASK ? spool.status(message.id) : [];
    if (!report) return null;
    const { status, attempts, reason } = report;
    const about = { id, agent: agentOf(report.to) ?? report.to, attempts };
    if (status === 'failed') return { ...about, status, error: reason ?? 'It could not be delivered.' };
    if (status === 'expired') return { ...about, status, error: 'Nobody took it in time.' };
    if (status !== 'acked') return { ...about, status: status === 'leased' ? 'given' : 'waiting' };
    const answer = answerData.parse(spool.message(answerId(id))?.payload.data);
    return { ...about, status: 'error' in answer ? 'failed' : 'done', ...answer };
  }

  /** The same, once it has come to an end or the signal aborts. */
  async ended(id: string, signal: AbortSignal): Promise<QueuedTask | null> {
    const { spool } = this.#store;
    const isOpen = (): boolean => ['waiting', 'given'].includes(this.task(id)?.status ?? '');
    if (isOpen() && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const off = spool.on('settled', ({ message }) => message === id && !isOpen() && end());
        const end = (): void => {
          off();
          signal.removeEventListener('abort', end);
          resolve();
        };
        signal.addEventListener('abort', end, { once: true });
      });
    }
    return this.task(id);
  }

  /** From now on the agent is given what is in its mailbox. */
  joined(agent: ConnectedAgent): void {
    const serving = this.#store.serve(agentAddress(agent.name), (delivery, signal) =>
      this.#give(agent, delivery, signal),
    );
    this.#served.set(agent, serving);
  }

  /** What it had in hand goes back, for when it returns. */
  async left(agent: ConnectedAgent): Promise<void> {
    await this.#served.get(agent)?.stop(AbortSignal.abort());
    this.#served.delete(agent);
  }

  /** Gives out nothing more; resolves when what is given out is answered, or when `giveUp` aborts. */
  async stop(giveUp: AbortSignal): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#served.values()].map((serving) => serving.stop(giveUp)));
  }

  async #put(agent: AgentId, id: string, payload: NewMessage['payload']): Promise<boolean> {
    const known = messageId(id);
    const [receipt] = await this.#store.spool.send([
      {
        id: known,
        from: HUB,
        deliveries: [{ to: agentAddress(agent), maxAttempts: ATTEMPTS }],
        conversation: conversationId(id),
        payload,
        trace: startTrace(known, null),
      },
    ]);
    return receipt?.duplicate !== true;
  }

  async #give(agent: ConnectedAgent, { message }: Delivery, signal: AbortSignal): Promise<Settlement> {
    const task = message.payload.type === TASK ? taskData.safeParse(message.payload.data) : null;
    if (task?.success) return this.#giveTask(agent, message, { requestId: message.id, ...task.data }, signal);
    const said = message.payload.type === MESSAGE ? messageData.safeParse(message.payload.data) : null;
    if (said?.success) return this.#giveMessage(agent, said.data);
    return postponed('it was not put here by a hub', FOREIGN_MS);
  }

  async #giveTask({ name }: ConnectedAgent, message: Message, task: Task, signal: AbortSignal): Promise<Settlement> {
    const answer = await this.#requests.ask(name, task, { timeoutMs: this.#options.taskTimeoutMs, signal });
    switch (answer.kind) {
      case 'response':
        return { kind: 'ack', outputs: [answerTo(message, { response: answer.response })] };
      case 'error':
        return { kind: 'ack', outputs: [answerTo(message, { error: answer.error })] };
      case 'busy':
        return postponed('the agent has enough to do', BUSY_MS);
      case 'late':
        return { kind: 'nack', reason: 'The agent did not answer in time.', delayMs: 0 };
      default:
        return this.#interrupted('The agent left before it answered.');
    }
  }

  async #giveMessage(
    { connection }: ConnectedAgent,
    { from, message }: z.output<typeof messageData>,
  ): Promise<Settlement> {
    if (connection.isCongested) return postponed('the agent is slow to read', BUSY_MS);
    connection.send({ type: 'agent-message', from, message });
    return (await connection.arrived()) ? { kind: 'ack' } : this.#interrupted('The agent left before it arrived.');
  }

  /** An agent that leaves may have been brought down by what it was given; that the hub stops is nobody's fault. */
  #interrupted(reason: string): Settlement {
    return this.#isStopping ? postponed('the hub stopped', 0) : { kind: 'nack', reason, delayMs: 0 };
  }
}

const postponed = (reason: string, delayMs: number): Settlement => ({
  kind: 'nack',
  reason,
  delayMs,
  countsAsAttempt: false,
});

const answerId = (task: string): Message['id'] => messageId(deriveId('msg', task, 'answer'));

function answerTo(task: Message, data: z.output<typeof answerData>): NewMessage {
  return {
    id: answerId(task.id),
    from: HUB,
    deliveries: [{ to: ANSWERS }],
    conversation: task.conversation,
    replyTo: task.id,
    payload: { type: 'hub-answer', data },
    trace: startTrace(answerId(task.id), null),
  };
}
