import type { AgentId } from '../../domain/addresses.ts';
import type { RoutingRules } from '../../domain/routing.ts';
import type { Budget } from '../../domain/trace.ts';
import type { LinearRegex } from '../../lib/linear-regex.ts';
import type { HttpAgent } from '../../links/agent-http/http-agent.ts';
import type { ProviderId } from '../../providers/catalogue.ts';
import type { ProviderSettings } from '../../providers/settings.ts';
import type { RateLimit } from '../../security/rate-limiter.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const PLATFORMS = ['local', 'whatsapp'] as const;
export const WHATSAPP_MODES = ['baileys', 'cloud-api'] as const;
/** How a phone links an account: by scanning a QR code, or by a code that is typed in. */
export const LINK_METHODS = ['qr', 'code'] as const;
export const GROUP_ACTIVATIONS = ['mention', 'always'] as const;

export const PANEL_STRATEGIES = ['parallel', 'sequential'] as const;
export const SANDBOX_MODES = ['off', 'all'] as const;
export const SANDBOX_SCOPES = ['agent', 'shared'] as const;

/** Where the tools of an agent run. */
export interface SandboxConfig {
  /** `all`: every tool for files and commands runs inside. */
  readonly mode: (typeof SANDBOX_MODES)[number];
  readonly scope: (typeof SANDBOX_SCOPES)[number];
  /** Where the workspaces of agents that name none are; null: nowhere in particular. */
  readonly workspaceRoot: string | null;
  /** Hosts that may be fetched from, such as `*.example.org`; `*` is any. */
  readonly network: readonly string[];
  /** Of one call of a tool. */
  readonly limits: {
    readonly seconds: number;
    readonly memoryMb: number;
    readonly processes: number;
    readonly outputKb: number;
  };
}

/** Which tools an agent has, by their names or those of groups of them. */
export interface ToolsConfig {
  /** null: those that every agent has. */
  readonly allow: readonly string[] | null;
  /** Goes before `allow`. */
  readonly deny: readonly string[];
  /** Those that a person has to agree to, each time. */
  readonly approve: readonly string[];
  /** How long they have for it. */
  readonly approvalMinutes: number;
}

export interface AgentConfig {
  readonly id: AgentId;
  readonly name: string;
  /** What the model is told about who it is. */
  readonly persona: string;
  readonly capabilities: readonly string[];
  readonly phone: string | null;
  /** The providers in the order in which they are tried; never empty. */
  readonly chain: readonly ProviderSettings[];
  /** Its folder. */
  readonly workspace: string | null;
  readonly sandbox: SandboxConfig;
  readonly tools: ToolsConfig;
  /** In a group, one of them in a message calls it. */
  readonly mentionPatterns: readonly LinearRegex[];
  /** How many conversations it has at the same time. */
  readonly concurrency: number;
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
  /** For people who are on no list; null: no limit. */
  readonly unlistedRateLimit: RateLimit | null;
  /** In UTF-16 code units. */
  readonly maxMessageLength: number;
}

/** A number of the WhatsApp Business Platform. */
export interface CloudApiConfig {
  readonly phoneNumberId: string;
  readonly accessToken: string;
  readonly appSecret: string;
  readonly verifyToken: string;
  /** Such as v25.0. */
  readonly apiVersion: string;
  readonly graphUrl: string;
  /** Asks a person who has been silent for 24 hours to answer; null: none. */
  readonly template: { readonly name: string; readonly language: string } | null;
}

export interface WhatsAppConfig {
  /** `baileys`: each agent is a device that is linked to a phone. */
  readonly mode: (typeof WHATSAPP_MODES)[number];
  readonly linkBy: (typeof LINK_METHODS)[number];
  /** For tests: another server than WhatsApp's, and the key (32 bytes in hex) that signs its certificates. Both are there, or both null. */
  readonly webUrl: string | null;
  readonly rootKey: string | null;
  /** Where the agents answer, by id or name. */
  readonly groups: 'all' | readonly string[];
  /** `mention`: in a group an agent answers when it is mentioned or replied to. */
  readonly groupActivation: (typeof GROUP_ACTIVATIONS)[number];
  /** How long the next message of a person is waited for, so that both are answered as one; 0: not at all. */
  readonly debounceMs: number;
  readonly maxMediaBytes: number;
  /** null unless `mode` is `cloud-api`. */
  readonly cloud: CloudApiConfig | null;
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
  readonly platforms: readonly (typeof PLATFORMS)[number][];
  /** null: it is none of the platforms. */
  readonly whatsapp: WhatsAppConfig | null;
  readonly agents: readonly AgentConfig[];
  /** Who answers whom; null: each agent on its own account. */
  readonly routing: RoutingRules | null;
  /** The agents whose numbers, or contacts, there are; never empty. */
  readonly accounts: readonly AgentId[];
  /** What the first agent of a panel puts to what is said in a group; null: nothing. */
  readonly ackReaction: string | null;
  /** Of all agents together. */
  readonly maxConcurrentTurns: number;
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
  /** Phone numbers (`+<digits>`) of other agents, who are greeted at the start. */
  readonly peers: readonly string[];
  /** How long an agent has for a task that was given to it, in milliseconds. */
  readonly taskTimeoutMs: number;
  readonly history: { readonly idleHours: number; readonly sweepMinutes: number };
  /** Demo only: providers that have a key here and that nobody has asked to use. */
  readonly offers: readonly ProviderId[];
}
