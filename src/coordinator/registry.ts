import { z } from 'zod';
import { agentId, isAgentId } from '../domain/addresses.ts';
import type { AgentStatus, RegisteredAgent } from '../domain/agent-card.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import { ParleyError } from '../domain/errors.ts';
import { nearest } from '../lib/suggestion.ts';

const line = z.string().regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,128}$/u, { error: 'must be one line of 1 to 128 characters' });

const profileSchema = z.object({
  id: z
    .string()
    .refine((text): boolean => isAgentId(text), {
      error: 'must have 1 to 64 letters, digits and . _ @ + -, and begin with a letter or digit',
    })
    .transform(agentId),
  name: line.optional(),
  capabilities: z.array(line).max(100),
  device: line,
  transport: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, { error: 'must be a word such as sqlite, file or http' })
    .default('sqlite'),
  metadata: z.record(z.string(), z.string()).default({}),
});

/** Who an agent is, as a program registers it. `name` is the id unless given; `transport` is `sqlite`. */
export type AgentProfile = z.input<typeof profileSchema>;

export interface AgentFilter {
  readonly capability?: string;
  readonly status?: AgentStatus;
}

/** The registry as programs see it: plain ids, checked. */
export class CoordinatorRegistry {
  readonly #directory: AgentDirectory;

  constructor(directory: AgentDirectory) {
    this.#directory = directory;
  }

  /** Adds an agent, or replaces what was known of it. Rejects with MESSAGE_INVALID. */
  async register(profile: AgentProfile): Promise<void> {
    const parsed = profileSchema.safeParse(profile);
    if (!parsed.success) {
      const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
      throw new ParleyError('MESSAGE_INVALID', `This is not a valid agent profile: ${wrong}.`, {
        hint: 'Correct it and register again.',
      });
    }
    const { id, name = id, ...rest } = parsed.data;
    const known = this.#directory.get(id);
    const { phone = null, provider = null } = known ?? {};
    await this.#directory.register({ ...rest, id, name, phone, provider });
  }

  get(id: string): RegisteredAgent | null {
    return isAgentId(id) ? this.#directory.get(id) : null;
  }

  list(filter: AgentFilter = {}): readonly RegisteredAgent[] {
    return this.#directory.list(filter);
  }

  findByCapability(capability: string): readonly RegisteredAgent[] {
    return this.list({ capability });
  }

  /** False when it was not registered. */
  async deregister(id: string): Promise<boolean> {
    return isAgentId(id) && this.#directory.deregister(id);
  }

  /** It is there: it counts as seen now. Rejects with AGENT_UNKNOWN. */
  async heartbeat(id: string): Promise<void> {
    await this.#directory.heartbeat(this.require(id).id);
  }

  /** Throws AGENT_UNKNOWN, naming one of a similar name if there is one. */
  require(id: string): RegisteredAgent {
    const agent = this.get(id);
    if (agent) return agent;
    const similar = nearest(
      id,
      this.list().map((other) => other.id),
    );
    const register = `Register it: parley register ${isAgentId(id) ? id : '<name>'} -c <capabilities> -d <device>`;
    throw new ParleyError('AGENT_UNKNOWN', `Agent '${id}' is not registered.`, {
      hint: similar === null ? register : `Did you mean '${similar}'? ${register}`,
    });
  }
}
