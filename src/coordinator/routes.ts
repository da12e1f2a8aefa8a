import type { AgentCard, RegisteredAgent } from '../domain/agent-card.ts';
import { ParleyError } from '../domain/errors.ts';
import { backoffDelay } from '../lib/backoff.ts';
import { errorText } from '../lib/errors.ts';
import type { Link, SigningLink } from '../links/link.ts';
import type { Outcome, Transport } from '../links/transport.ts';
import { EVERYBODY, type MessageV2 } from '../protocol/message-v2.ts';
import type { CoordinatorRegistry } from './registry.ts';

/** How long a link that failed is left alone, in milliseconds; and for how long it has a message in its hands. */
const LINK_BACKOFF = { baseMs: 1_000, maxMs: 60_000 };
const LINK_LEASE_MS = 60_000;

/** Mailboxes that messages get to by a link, and are taken out of at the other end. */
export type LinkedTransport = Transport & Link;

export interface RouteOptions {
  readonly registry: CoordinatorRegistry;
  /** Where all messages go first. */
  readonly home: Transport;
  /** What the cards of agents say that take their messages from there. */
  readonly homeNames: ReadonlySet<string>;
  /** How the others are reached, by what their cards say. */
  readonly links: ReadonlyMap<string, LinkedTransport>;
  /** Likewise, those whose mailboxes only other machines can open. */
  readonly remote: ReadonlyMap<string, SigningLink>;
  /** What the cards of agents say to whom a running daemon hands over what waits here. */
  readonly served: ReadonlySet<string>;
}

/** Which mailbox is whose: the recipient's card decides. */
export class Routes {
  readonly #registry: CoordinatorRegistry;
  readonly #home: Transport;
  readonly #homeNames: ReadonlySet<string>;
  readonly #links: ReadonlyMap<string, LinkedTransport>;
  readonly #remote: ReadonlyMap<string, SigningLink>;
  readonly #served: ReadonlySet<string>;

  constructor({ registry, home, homeNames, links, remote, served }: RouteOptions) {
    this.#registry = registry;
    this.#home = home;
    this.#homeNames = homeNames;
    this.#links = links;
    this.#remote = remote;
    this.#served = served;
  }

  /** Whom a message is for. Throws AGENT_UNKNOWN when there is nobody, CONFIG_INVALID when there is no way from its sender to the one it names. */
  recipients({ from, to, payload }: MessageV2): readonly RegisteredAgent[] {
    if (to !== EVERYBODY && payload.type !== 'broadcast') {
      const agent = this.require(to);
      this.#remote.get(agent.transport)?.requireSecret(from);
      return [agent];
    }
    const active = this.#registry.list({ status: 'active' });
    // Whoever takes tasks alone is told nothing in general.
    const hears = (agent: AgentCard): boolean => this.#isReachable(agent) && !this.#served.has(agent.transport);
    const others = active.filter((agent) => agent.id !== from && hears(agent));
    if (others.length > 0) return others;
    throw new ParleyError(
      'AGENT_UNKNOWN',
      `No other agent than '${from}' is active, so nobody would get this broadcast.`,
      {
        hint: 'An agent is active for five minutes after it has polled or sent something: look at parley agents.',
      },
    );
  }

  /** An agent that can be reached. Throws as `recipients` does. */
  require(id: string): RegisteredAgent {
    const agent = this.#registry.require(id);
    if (this.#isReachable(agent)) return agent;
    throw new ParleyError(
      'CONFIG_INVALID',
      `Agent '${id}' is reached by the transport '${agent.transport}', which this version of Parley does not have.`,
      { hint: `Register it with another one: parley register ${id} … --transport-type sqlite` },
    );
  }

  /** An agent whose messages can be taken out here. Throws as `require` does, and USAGE for one that has its mailbox elsewhere. */
  requireHere(id: string): RegisteredAgent {
    const agent = this.require(id);
    const { transport, metadata } = agent;
    if (!this.#remote.has(transport) && !this.#served.has(transport)) return agent;
    const where = this.#remote.has(transport)
      ? `its mailbox at ${metadata['relay_url']}`
      : `elsewhere, by ${transport}`;
    throw new ParleyError('USAGE', `Agent '${id}' takes its messages from ${where}.`, {
      hint: 'What waits here for it is on its way there.',
    });
  }

  /** Where an agent's messages are taken out. Of an agent that is not registered any more: at home. */
  mailbox(id: string): Transport {
    return this.#links.get(this.#registry.get(id)?.transport ?? '') ?? this.#home;
  }

  /** Home first. */
  get transports(): readonly Transport[] {
    return [this.#home, ...this.#links.values()];
  }

  /** Hands what waits here for an agent over to its link, until the way turns out to be closed. What is left is tried again later. */
  async forward(agent: AgentCard): Promise<void> {
    const link = this.#links.get(agent.transport) ?? this.#remote.get(agent.transport);
    if (!link) return;
    const options = { limit: 1, leaseMs: LINK_LEASE_MS, wait: false, detached: false };
    for (;;) {
      const [received] = await this.#home.poll(agent.id, options);
      if (!received) return;
      const { message, attempt, token } = received;
      const outcome = await outcomeOf(link.deliver(message, agent), attempt);
      await this.#home.settle({ id: message.id, agent: agent.id, token }, outcome);
      if (outcome.kind === 'nack' && !outcome.countsAsAttempt) return;
    }
  }

  #isReachable({ transport }: AgentCard): boolean {
    return [this.#homeNames, this.#links, this.#remote, this.#served].some((names) => names.has(transport));
  }
}

async function outcomeOf(delivered: Promise<unknown>, attempt: number): Promise<Outcome> {
  try {
    await delivered;
    return { kind: 'ack' };
  } catch (error) {
    // What the link can never take becomes a dead letter; else only the way is closed for now.
    const countsAsAttempt = error instanceof ParleyError && error.code === 'MESSAGE_INVALID';
    return { kind: 'nack', reason: errorText(error), delayMs: backoffDelay(attempt, LINK_BACKOFF), countsAsAttempt };
  }
}
