import type { AgentId } from '../../domain/addresses.ts';
import type { Budget } from '../../domain/trace.ts';
import type { HttpAgent } from '../../links/agent-http/http-agent.ts';
import type { ProviderId } from '../../providers/catalogue.ts';
import type { ProviderSettings } from '../../providers/settings.ts';
import type { RateLimit } from '../../security/rate-limiter.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export interface AgentConfig {
  readonly id: AgentId;
  readonly name: string;
  /** What the model is told about who it is. */
  readonly persona: string;
  readonly capabilities: readonly string[];
  readonly phone: string | null;
  /** The providers in the order in which they are tried; never empty. */
  readonly chain: readonly ProviderSettings[];
}

export interface SecurityConfig {
  /** null: none was given. */
  readonly agentSecret: string | null;
  /** A passphrase of any length; null: none was given. */
  readonly encryptionKey: string | null;
  readonly requireAgentAuth: boolean;
  readonly maxMessageAgeMs: number;
  /** null: everybody may speak. */
  readonly allowlist: readonly string[] | null;
  readonly blocklist: readonly string[];
  /** null: no limit. */
  readonly rateLimit: RateLimit | null;
  /** In UTF-16 code units. */
  readonly maxMessageLength: number;
}

/** Everything that the daemon can be told, checked and complete. Paths are absolute. */
export interface Config {
  /** `demo`: nobody set up an agent, and Atlas, Nova and Bolt show what Parley does. */
  readonly mode: 'demo' | 'agents';
  /** The folder of the database. */
  readonly dataDir: string;
  readonly databasePath: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly platforms: readonly 'local'[];
  readonly agents: readonly AgentConfig[];
  /** Agents of other makes that are reached over HTTP. */
  readonly httpAgents: readonly HttpAgent[];
  readonly security: SecurityConfig;
  /** Who may give commands in a chat. */
  readonly admins: readonly string[];
  readonly leaseMs: number;
  readonly ttlMs: number;
  readonly budget: Budget;
  readonly discussion: { readonly rounds: number; readonly roundTimeoutMs: number };
  /** The Agent Hub that the agents are on; null: none. */
  readonly hub: { readonly url: string; readonly secret: string | null } | null;
  /** How long an agent has for a task that was given to it, in milliseconds. */
  readonly taskTimeoutMs: number;
  readonly history: { readonly idleHours: number; readonly sweepMinutes: number };
  /** Demo only: providers that have a key here and that nobody has asked to use. */
  readonly offers: readonly ProviderId[];
}
