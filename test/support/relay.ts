import type { FastifyInstance } from 'fastify';
import { type AgentId, agentId } from '../../src/domain/addresses.ts';
import { newId } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { pollSubject, RELAY_HEADERS, relaySignature, statusSubject } from '../../src/protocol/relay-auth.ts';
import { SqliteRegistry } from '../../src/registry/sqlite-registry.ts';
import { type RelayOptions, relayServer } from '../../src/relay/relay.ts';
import { SqliteRelayNonces } from '../../src/store/relay-nonces.ts';
import { SqliteRelaySecrets } from '../../src/store/relay-secrets.ts';
import { openTestSpool, type SpoolFixture } from './spool.ts';

/** A MessageV2 as a client writes it. */
export function wireMessage(from: string, to: string, changes: object = {}) {
  return {
    id: newId('msg', 0),
    version: '2.0',
    from,
    to,
    subject: 'Greeting',
    body: 'Hello',
    timestamp: '2026-01-01T00:00:00Z',
    ...changes,
  };
}

export interface Signing {
  readonly secret?: string;
  /** Seconds. */
  readonly timestamp?: string;
  readonly nonce?: string;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // Tests read whatever the relay answered.
  readonly body: Record<string, unknown>;
}

/** A relay in this process, with agents that have secrets; it is spoken to as its clients do. */
export class TestRelay implements AsyncDisposable {
  readonly spool: SpoolFixture;
  readonly app: FastifyInstance;
  readonly registry: SqliteRegistry;
  readonly secrets: SqliteRelaySecrets;
  readonly #secretOf = new Map<string, string>();
  #nonces = 0;

  private constructor(spool: SpoolFixture, changes: Partial<RelayOptions>) {
    const { clock, db } = spool;
    this.spool = spool;
    this.registry = new SqliteRegistry(db, { clock });
    this.secrets = new SqliteRelaySecrets(db, { clock });
    this.app = relayServer({
      spool: spool.spool,
      directory: this.registry,
      secrets: this.secrets,
      nonces: new SqliteRelayNonces(db, { clock }),
      admits: { agent: () => true, address: () => true },
      clock,
      logger: silentLogger,
      ...changes,
    });
  }

  static async open(agents: readonly string[], changes: Partial<RelayOptions> = {}): Promise<TestRelay> {
    const relay = new TestRelay(openTestSpool(), changes);
    for (const agent of agents) await relay.giveSecret(agentId(agent));
    return relay;
  }

  async giveSecret(agent: AgentId, overlapMs = 0): Promise<string> {
    const secret = await this.secrets.replace(agent, overlapMs);
    this.#secretOf.set(agent, secret);
    return secret;
  }

  secretOf(agent: string): string | null {
    return this.#secretOf.get(agent) ?? null;
  }

  headers(agent: string, subject: string, signing: Signing = {}): Record<string, string> {
    const {
      secret = this.secretOf(agent) ?? 'none',
      timestamp = String(this.spool.clock.now() / 1000),
      nonce = `nonce-${this.#nonces++}`,
    } = signing;
    return {
      [RELAY_HEADERS.agent]: agent,
      [RELAY_HEADERS.timestamp]: timestamp,
      [RELAY_HEADERS.nonce]: nonce,
      [RELAY_HEADERS.signature]: relaySignature(secret, subject, timestamp, nonce),
    };
  }

  post(agent: string, operation: string, content: unknown, signing?: Signing): Promise<Answer> {
    const payload = typeof content === 'string' ? content : JSON.stringify(content);
    return this.request('POST', operation, this.headers(agent, payload, signing), payload);
  }

  /** `owner`: whose mailbox is polled. */
  poll(agent: string, query = '', owner = agent, signing?: Signing): Promise<Answer> {
    return this.request('GET', `poll/${owner}${query}`, this.headers(agent, pollSubject(owner), signing));
  }

  status(agent: string, id: string): Promise<Answer> {
    return this.request('GET', `status/${encodeURIComponent(id)}`, this.headers(agent, statusSubject(id)));
  }

  async request(
    method: 'GET' | 'POST',
    operation: string,
    headers: Record<string, string>,
    payload?: string,
  ): Promise<Answer> {
    const response = await this.app.inject({
      method,
      url: `/api/v1/${operation}`,
      headers,
      ...(payload !== undefined && { payload }),
    });
    return { status: response.statusCode, headers: response.headers, body: response.json() };
  }

  /** Listens on loopback; its address. */
  async listen(port = 0): Promise<string> {
    return await this.app.listen({ host: '127.0.0.1', port });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    await this.spool[Symbol.asyncDispose]();
  }
}
