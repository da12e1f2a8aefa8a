import { announcement } from '../agents/discovery.ts';
import type { HubAgent, HubClient, HubConnection, HubEvent, HubTask } from '../client/index.ts';
import { acceptOnce } from '../delivery/accept-once.ts';
import {
  type AgentId,
  agentAddress,
  agentId,
  conversationId,
  hubAnswers,
  isAgentId,
  type MessageId,
  messageId,
} from '../domain/addresses.ts';
import { type AgentCard, READS_ENVELOPES, readsEnvelopes } from '../domain/agent-card.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import type { NewMessage } from '../domain/message.ts';
import { assignmentResultId, TASK, taskResultOf } from '../domain/task.ts';
import { startTrace } from '../domain/trace.ts';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { deriveId } from '../lib/ids.ts';
import type { Json } from '../lib/json.ts';
import type { Logger } from '../lib/logger.ts';
import { carriedMessage, FOREIGN_BUDGET } from '../protocol/carried.ts';
import type { EnvelopeKeys } from '../protocol/keys.ts';
import type { Spool } from '../spool/spool.ts';
import { every } from './every.ts';

export interface HubMembershipOptions {
  /** Of the hub, as it was configured. */
  readonly url: string;
  readonly client: Pick<HubClient, 'join' | 'agents'>;
  /** The agents of this process. */
  readonly cards: readonly AgentCard[];
  readonly spool: Spool;
  readonly directory: AgentDirectory;
  readonly keys: EnvelopeKeys;
  /** Called when the registry knows an agent that it did not know before. */
  readonly met: () => void;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Among the skills of an agent on the hub: that it takes envelopes as tasks. */
const MARK = READS_ENVELOPES.protocol;
/** What the cards of agents there say. */
export const HUB = 'hub';
/** How often it is looked who is on the hub, in milliseconds: that is the sign of life of the agents there. */
const LOOK_MS = 60_000;
/** Whoever gave a task has stopped waiting by then, in milliseconds. */
const TASK_TTL_MS = 60 * 60_000;
const TASK_ATTEMPTS = 10;

/** The agents of this process on an Agent Hub: they are found there, take tasks into their mailboxes, and find the others. */
export class HubMembership {
  readonly #options: HubMembershipOptions;
  readonly #own: ReadonlySet<string>;
  readonly #connections: readonly HubConnection[];
  readonly #endLooks: () => void;
  #others = 0;

  /** Begins to connect at once, and comes back by itself for as long as it is not stopped. */
  constructor(options: HubMembershipOptions) {
    const { cards, client, clock, logger } = options;
    this.#options = options;
    this.#own = new Set(cards.map(({ id }) => id));
    this.#connections = cards.map((card, index) =>
      client.join({
        name: card.id,
        workspace: card.device,
        skills: [...card.capabilities, MARK],
        onTask: (task, { signal }) => this.#take(card.id, task, signal),
        onState: (state) => {
          logger.info({ agent: card.id, hub: state.status }, 'on the hub');
          if (state.status === 'connected') this.#greet([card]);
        },
        // One of them is enough to hear who comes and goes.
        ...(index === 0 && { onEvent: (event: HubEvent) => this.#hear(event) }),
      }),
    );
    this.#endLooks = every(LOOK_MS, { clock, logger }, async () => void (await this.#look()));
  }

  /** In one line, for people. */
  status(): string {
    const { url } = this.#options;
    const [state] = this.#connections.map((connection) => connection.state);
    switch (state?.status) {
      case 'connected':
        return `Hub ${url}: connected, ${this.#others === 1 ? '1 other agent' : `${this.#others} other agents`} there`;
      case 'waiting':
      case 'refused':
        return `Hub ${url}: not connected: ${state.error.message}`;
      default:
        return `Hub ${url}: not connected yet`;
    }
  }

  /** Takes no more tasks, and answers those in hand, until `giveUp` aborts. */
  async stop(giveUp?: AbortSignal): Promise<void> {
    this.#endLooks();
    await Promise.all(this.#connections.map((connection) => connection.stop(giveUp)));
  }

  /** A task is answered when it is durable here, or with what the agent makes of it. */
  async #take(agent: AgentId, { requestId, message, sender }: HubTask, signal: AbortSignal): Promise<Json> {
    const { spool, url } = this.#options;
    const carried = carriedMessage(message, agent, { transport: HUB });
    if (carried) {
      await acceptOnce(spool, carried);
      return { accepted: true };
    }
    // Whoever gives a task may use its id again for another.
    const id = messageId(deriveId('msg', 'hub', url, agent, requestId, sender, message));
    await spool.send([taskFor(agent, id, message, sender)]);
    return await this.#answerTo(id, agent, signal);
  }

  /** What the agent makes of a task; also when it did so before, and the answer was lost on its way to the hub. */
  #answerTo(task: MessageId, agent: AgentId, signal: AbortSignal): Promise<string> {
    const { spool } = this.#options;
    const resultId = assignmentResultId(task, agent);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        off();
        signal.removeEventListener('abort', giveUp);
      };
      const giveUp = (): void => {
        end();
        reject(signal.reason);
      };
      const look = (): void => {
        const result = spool.message(resultId);
        const [report] = spool.status(task);
        const isLost = report?.status === 'failed' || report?.status === 'expired';
        if (!result && !isLost) return;
        end();
        const answer = result
          ? taskResultOf(result)
          : { ok: false as const, error: report?.reason ?? 'it came too late' };
        if (answer.ok) resolve(answer.text);
        else reject(new Error(answer.error));
      };
      // Its result and the end of the task are one step.
      const off = spool.on('settled', ({ message }) => message === task && look());
      signal.addEventListener('abort', giveUp, { once: true });
      look();
    });
  }

  #hear(event: HubEvent): void {
    if (event.event === 'agent-joined') this.#later(this.#meet({ ...event }));
    if (event.event !== 'hub-shutdown') this.#later(this.#look());
  }

  /** Makes agents of this process known to those on the hub that take envelopes; they answer with who they are. */
  #greet(cards: readonly AgentCard[]): void {
    const { spool, keys, clock } = this.#options;
    const greet = async (): Promise<void> => {
      const others = await this.#look();
      const messages = cards.flatMap((card) => announcement(card, others, keys, clock.now()));
      if (messages.length > 0) await spool.send(messages);
    };
    this.#later(greet());
  }

  /** The others on the hub, each known to the registry from now on. */
  async #look(): Promise<readonly AgentCard[]> {
    const there = await this.#options.client.agents();
    const met = await Promise.all(there.map((agent) => this.#meet(agent)));
    const others = met.flatMap((card) => card ?? []);
    this.#others = others.length;
    return others;
  }

  /** null for agents that are not reached by the hub: ours, and those who share this database. */
  async #meet({ name, skills, workspace }: Pick<HubAgent, 'name' | 'skills' | 'workspace'>): Promise<AgentCard | null> {
    const { directory, met } = this.#options;
    if (this.#own.has(name) || !isAgentId(name)) return null;
    const id = agentId(name);
    const known = directory.get(id);
    if (known && known.transport !== HUB) return null;
    const isMarked = skills.includes(MARK);
    // What it has said of itself, signed, is better than what the hub says of it.
    if (known && readsEnvelopes(known)) {
      // Nobody who has taken its name there is written to in the clear.
      if (!isMarked) return null;
      await directory.heartbeat(id);
      return known;
    }
    const card: AgentCard = {
      id,
      name,
      capabilities: skills.filter((skill) => skill !== MARK),
      device: workspace,
      transport: HUB,
      phone: null,
      provider: null,
      metadata: isMarked ? READS_ENVELOPES : {},
    };
    await directory.register(card);
    if (!known) met();
    return card;
  }

  #later(work: Promise<unknown>): void {
    const { logger } = this.#options;
    work.catch((error: unknown) => logger.warn({ error: errorText(error) }, 'the hub could not be asked who is there'));
  }
}

function taskFor(agent: AgentId, id: MessageId, body: string, sender: string): NewMessage {
  const conversation = conversationId(deriveId('conv', 'hub', agent, sender));
  return {
    id,
    from: hubAnswers(agent),
    deliveries: [{ to: agentAddress(agent), orderingKey: conversation, maxAttempts: TASK_ATTEMPTS }],
    conversation,
    subject: 'task',
    body,
    payload: { type: TASK, data: { sender } },
    trace: startTrace(id, null, FOREIGN_BUDGET),
    ttlMs: TASK_TTL_MS,
  };
}
