import { randomBytes, randomUUID } from 'node:crypto';
import type { AgentId } from '../domain/addresses.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Connection } from './connection.ts';
import type { AgentProfile } from './options.ts';
import { AcceptedSecrets } from './secrets.ts';

export interface ConnectedAgent extends AgentProfile {
  readonly id: string;
  /** Known to the agent alone: with it, and not otherwise, another connection takes its place. */
  readonly session: string;
  readonly connection: Connection;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** Who is connected, by name. */
export class ConnectedAgents {
  readonly #most: number;
  readonly #byName = new Map<AgentId, ConnectedAgent>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether an agent may have this name, and who has to make room for it. */
  admit({
    name,
    session,
  }: {
    name: AgentId;
    session?: string | undefined;
  }): Result<ConnectedAgent | null, 'taken' | 'full'> {
    const holder = this.#byName.get(name);
    if (holder) return new AcceptedSecrets([holder.session]).accept(session) ? ok(holder) : err('taken');
    return this.#byName.size < this.#most ? ok(null) : err('full');
  }

  /** It keeps the session of the one whose place it takes: should it not learn of it, it can try again. */
  add(
    { name, workspace, skills }: AgentProfile,
    connection: Connection,
    since: number,
    session?: string,
  ): ConnectedAgent {
    const agent: ConnectedAgent = {
      name,
      workspace,
      skills,
      id: randomUUID(),
      session: session ?? randomBytes(24).toString('base64url'),
      connection,
      since,
    };
    this.#byName.set(name, agent);
    return agent;
  }

  /** False when somebody else has its place by now. */
  remove(agent: ConnectedAgent): boolean {
    return this.#byName.get(agent.name) === agent && this.#byName.delete(agent.name);
  }

  get(name: AgentId): ConnectedAgent | undefined {
    return this.#byName.get(name);
  }

  list(): readonly ConnectedAgent[] {
    return [...this.#byName.values()];
  }

  get size(): number {
    return this.#byName.size;
  }
}
