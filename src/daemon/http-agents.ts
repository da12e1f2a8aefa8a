import { isDeepStrictEqual } from 'node:util';
import type { AgentCard } from '../domain/agent-card.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { type Health, healthOf } from '../links/agent-http/health.ts';
import { AGENT_HTTP, cardOfHttpAgent, type HttpAgent } from '../links/agent-http/http-agent.ts';
import { every } from './every.ts';

export interface HttpAgentsOptions {
  readonly agents: readonly HttpAgent[];
  readonly directory: AgentDirectory;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly healthOf?: typeof healthOf;
}

/** How often it is looked whether they are there, in milliseconds: well below the silence after which an agent counts as inactive. */
const LOOK_MS = 60_000;

/** Keeps the agents that are reached over HTTP in the registry, each as present as it is. */
export class HttpAgents {
  readonly #options: Required<HttpAgentsOptions>;
  readonly #closing = new AbortController();
  readonly #cancel: () => void;
  #looking: Promise<void>;

  /** Registers them, and begins to look. */
  static async start(options: HttpAgentsOptions): Promise<HttpAgents> {
    for (const agent of options.agents) await introduce(agent, options.directory);
    return new HttpAgents({ healthOf, ...options });
  }

  private constructor(options: Required<HttpAgentsOptions>) {
    this.#options = options;
    this.#looking = this.#look();
    this.#cancel = every(LOOK_MS, options, () => {
      this.#looking = this.#look();
      return this.#looking;
    });
  }

  /** Resolves when nobody is asked any more. */
  async stop(): Promise<void> {
    this.#cancel();
    this.#closing.abort();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { agents, logger } = this.#options;
    await Promise.all(
      agents.map((agent) =>
        this.#lookAt(agent).catch((error: unknown) =>
          logger.error({ agent: agent.id, error: errorText(error) }, 'the health of an agent could not be noted'),
        ),
      ),
    );
  }

  async #lookAt(agent: HttpAgent): Promise<void> {
    const { directory, logger, clock } = this.#options;
    const health = await this.#options.healthOf(agent, clock, this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    if (health === null) {
      logger.debug({ agent: agent.id }, 'an agent that is reached over HTTP is not there');
      return;
    }
    const known = directory.get(agent.id);
    const card = described(agent, health, directory);
    await (known && sameCard(known, card) ? directory.heartbeat(agent.id) : directory.register(card));
  }
}

/** Whoever is known already stays as it is, with what it has said of itself and when it was last there. */
async function introduce(agent: HttpAgent, directory: AgentDirectory): Promise<void> {
  const card = cardOfHttpAgent(agent);
  const known = directory.get(agent.id);
  const learned = agent.describesItself && known ? { name: known.name, capabilities: known.capabilities } : {};
  if (!known || !sameCard(known, { ...card, ...learned })) await directory.register(card);
}

/** A name that somebody else has is not taken over from a stranger. */
function described(agent: HttpAgent, { name, skills }: Health, directory: AgentDirectory): AgentCard {
  const card = cardOfHttpAgent(agent);
  if (!agent.describesItself) return card;
  const taken = name === undefined || directory.find(name).some(({ id }) => id !== agent.id);
  return { ...card, ...(!taken && { name }), ...(skills && { capabilities: skills }) };
}

const sameCard = (known: AgentCard, card: AgentCard): boolean =>
  known.transport === AGENT_HTTP &&
  known.name === card.name &&
  isDeepStrictEqual([known.capabilities, known.metadata], [card.capabilities, card.metadata]);
