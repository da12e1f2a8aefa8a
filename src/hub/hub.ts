import type { AgentId } from '../domain/addresses.ts';
import { errorText } from '../lib/errors.ts';
import { type AgentFrame, HUB_CLOSE, type RegisterFrame } from '../protocol/hub-frames.ts';
import { type ConnectedAgent, ConnectedAgents } from './connected-agents.ts';
import type { Connection } from './connection.ts';
import { HubEvents } from './events.ts';
import { Mailboxes } from './mailboxes.ts';
import type { HubOptions } from './options.ts';
import { Presence } from './presence.ts';
import { Requests } from './requests.ts';

const DEFAULT_TASK_TIMEOUT_MS = 120_000;
/** How long a stop waits for answers that are on their way, in milliseconds. */
const LAST_ANSWERS_MS = 5_000;
/** "Going away", RFC 6455, section 7.4.1. */
const GOING_AWAY = 1001;

/** The agents that are connected, the tasks they have, and what waits for them. */
export class Hub {
  readonly agents: ConnectedAgents;
  readonly requests: Requests;
  /** Null on a hub without a database. */
  readonly mailboxes: Mailboxes | null;
  readonly events = new HubEvents();
  readonly taskTimeoutMs: number;
  readonly #options: HubOptions;
  readonly #presence: Presence;
  readonly #stopping = new AbortController();

  constructor(options: HubOptions) {
    this.#options = options;
    this.taskTimeoutMs = options.taskTimeoutMs ?? DEFAULT_TASK_TIMEOUT_MS;
    this.agents = new ConnectedAgents(options.maxAgents);
    this.#presence = new Presence(this.agents, options.clock);
    this.requests = new Requests(options.clock, (name) => this.agents.get(name));
    this.mailboxes = options.store
      ? new Mailboxes(options.store, this.requests, { clock: options.clock, taskTimeoutMs: this.taskTimeoutMs })
      : null;
  }

  get isStopping(): boolean {
    return this.stopping.aborted;
  }

  /** Aborts when the hub begins to stop. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** The agent that has registered; null when it was refused, and told why. Its secret was looked at before. */
  register(connection: Connection, { name, workspace, skills, session }: RegisterFrame): ConnectedAgent | null {
    const holder = this.agents.get(name);
    if (holder?.connection.isOpen === false) this.left(holder);
    const admitted = this.agents.admit({ name, session });
    if (!admitted.ok) {
      if (admitted.error === 'full') connection.refuse(HUB_CLOSE.full, 'The hub is full.');
      else connection.refuse(HUB_CLOSE.refused, 'The name is in use; its session takes it over.');
      return null;
    }
    const replaced = admitted.value;
    if (replaced) {
      this.left(replaced);
      replaced.connection.close(HUB_CLOSE.notRegistered, 'Taken over by a new connection.');
    }
    const agent = this.agents.add(
      { name, workspace, skills },
      connection,
      this.#options.clock.now(),
      replaced?.session,
    );
    connection.register();
    connection.send({ type: 'registered', agentId: agent.id, message: `Welcome, ${name}.`, session: agent.session });
    this.#announce('agent-joined', agent);
    this.requests.joined(agent);
    if (!this.isStopping) this.mailboxes?.joined(agent);
    this.#options.logger.info({ agent: name, id: agent.id }, 'an agent has joined');
    return agent;
  }

  /** Its connection has ended, or somebody else has its place. Harmless when that is known already. */
  left(agent: ConnectedAgent): void {
    if (!this.agents.remove(agent)) return;
    this.requests.left(agent.name);
    this.#announce('agent-left', agent);
    this.mailboxes?.left(agent).catch((error: unknown) => this.#storeFailed(error));
    this.#options.logger.info({ agent: agent.name, id: agent.id }, 'an agent has left');
  }

  /** A frame of an agent that has registered. */
  async receive(agent: ConnectedAgent, frame: AgentFrame): Promise<void> {
    switch (frame.type) {
      case 'ping':
        agent.connection.send({ type: 'pong' });
        return;
      case 'task-response':
        return this.#answer(agent, frame.requestId, { kind: 'response', response: frame.response });
      case 'task-error':
        return this.#answer(agent, frame.requestId, { kind: 'error', error: frame.error });
      case 'task-progress': {
        const { requestId, progress } = frame;
        if (!this.requests.isOpen(agent.name, requestId)) return unknownRequest(agent.connection);
        this.events.emit({ event: 'task-progress', agent: agent.name, requestId, progress });
        return;
      }
      case 'agent-message':
        return this.#pass(agent, frame.target, frame.message);
      case 'register':
      case 'pong':
        return;
    }
  }

  /** Tells everybody, lets what is given out be answered, and closes all connections. */
  async stop(): Promise<void> {
    if (this.isStopping) return;
    this.#stopping.abort();
    const { clock, logger } = this.#options;
    this.events.emit({ event: 'hub-shutdown' });
    for (const { connection } of this.agents.list()) connection.send({ type: 'event', event: 'hub-shutdown' });
    const giveUp = new AbortController();
    const cancel = clock.timer(clock.now() + LAST_ANSWERS_MS, () => giveUp.abort());
    try {
      await Promise.all([this.mailboxes?.stop(giveUp.signal), this.requests.stop(giveUp.signal)]);
    } catch (error) {
      logger.error({ error: errorText(error) }, 'the mailboxes did not stop cleanly');
    }
    cancel();
    this.#presence.stop();
    for (const { connection } of this.agents.list()) connection.close(GOING_AWAY, 'The hub stops.');
  }

  #answer({ name, connection }: ConnectedAgent, requestId: string, answer: Parameters<Requests['answer']>[2]): void {
    if (!this.requests.answer(name, requestId, answer)) unknownRequest(connection);
  }

  async #pass(
    { name, connection }: ConnectedAgent,
    target: AgentId,
    message: Parameters<Mailboxes['putMessage']>[2],
  ): Promise<void> {
    if (this.mailboxes) return this.mailboxes.putMessage(name, target, message);
    const to = this.agents.get(target)?.connection;
    const passed = to?.isCongested === false && to.send({ type: 'agent-message', from: name, message });
    if (!passed) {
      const why = to ? 'is too slow to read' : 'is not connected, and this hub has no database to keep messages in';
      connection.send({ type: 'error', error: `${target} ${why}: the message was not delivered.` });
    }
  }

  #announce(event: 'agent-joined' | 'agent-left', agent: ConnectedAgent): void {
    const { name, workspace, skills } = agent;
    const about = { event, name, workspace, skills };
    this.events.emit(about);
    this.#presence.announce({ type: 'event', ...about }, agent);
  }

  #storeFailed(error: unknown): void {
    this.#options.logger.error({ error: errorText(error) }, 'a mailbox did not close cleanly');
  }
}

function unknownRequest(connection: Connection): void {
  connection.send({
    type: 'error',
    error: 'There is no such request: it was answered, or nobody waits for it any more.',
  });
}
