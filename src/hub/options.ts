import type { Address, AgentId } from '../domain/addresses.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Spool } from '../spool/spool.ts';
import type { AcceptedSecrets } from './secrets.ts';

/** Serves a mailbox until it is stopped: the worker of src/delivery, which the hub is given. */
export type Serve = (
  mailbox: Address,
  handle: (delivery: Delivery, signal: AbortSignal) => Promise<Settlement>,
) => { stop(giveUp?: AbortSignal): Promise<void> };

/** Where tasks and messages wait for agents that are away. */
export interface HubStore {
  readonly spool: Spool;
  readonly serve: Serve;
}

export interface HubOptions {
  /** Without any, whoever reaches the hub may use it. */
  readonly secrets: AcceptedSecrets;
  readonly maxAgents: number;
  /** Connections that one address may have at a time. */
  readonly maxPerAddress: number;
  /** Of the browser pages that may use the hub: `https://example.org`. */
  readonly allowedOrigins: readonly string[];
  /** Addresses and networks (`10.0.0.0/8`) whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Without it nothing waits for an agent that is away. */
  readonly store: HubStore | null;
  readonly logger: Logger;
  readonly clock: Clock;
  /** How long whoever gives a task waits for its answer, in milliseconds; default 120,000. */
  readonly taskTimeoutMs?: number;
}

/** Who is on a connection. */
export interface AgentProfile {
  readonly name: AgentId;
  readonly workspace: string;
  readonly skills: readonly string[];
}
