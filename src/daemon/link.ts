import { acceptOnce } from '../delivery/accept-once.ts';
import { type AgentId, agentAddress, isAgentId } from '../domain/addresses.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import { ParleyError } from '../domain/errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { HttpLink, type SecretOf } from '../links/http/http-link.ts';
import { RelayClient } from '../links/http/relay-client.ts';
import { RelayInbox } from '../links/http/relay-inbox.ts';
import { carriedMessage } from '../protocol/carried.ts';
import { type MessageV2, toNewMessage } from '../protocol/message-v2.ts';
import { SqliteRegistry } from '../registry/sqlite-registry.ts';
import type { Spool } from '../spool/spool.ts';
import { Database } from '../spool/sqlite/database.ts';
import { SqliteSpool } from '../spool/sqlite/sqlite-spool.ts';
import { Forwarding } from './forwarding.ts';

/** An agent of this machine that has a mailbox on a relay. */
export interface Pull {
  readonly agent: string;
  readonly url: string;
}

export interface LinkSettings {
  readonly databasePath: string;
  readonly pulls: readonly Pull[];
  readonly secretOf: SecretOf;
}

/** Connects a database with relays: forwards to them, and fetches from them. Throws AGENT_UNKNOWN or CONFIG_INVALID before it begins. */
export async function startLink(
  { databasePath, pulls, secretOf }: LinkSettings,
  { logger, clock = systemClock }: { readonly logger: Logger; readonly clock?: Clock },
): Promise<{ stop(): Promise<void> }> {
  const db = new Database(databasePath, { clock });
  const spool = new SqliteSpool(db, { clock });
  const close = async (): Promise<void> => {
    await spool.close();
    await db.close();
  };
  try {
    await spool.recover();
    const directory = new SqliteRegistry(db, { clock });
    const link = new HttpLink({ secretOf, clock });
    const accounts = pulls.map(({ agent, url }) => {
      const id = requireAgent(agent, directory);
      return { id, url, client: new RelayClient({ url, agent, secret: link.requireSecret(agent) }, { clock }) };
    });
    const links = new Map([['http', { link, concurrency: 1 }]]);
    const forwarding = new Forwarding({ spool, directory, links, keys: null, logger, clock });
    const inboxes = accounts.map(
      ({ id, url, client }) => new RelayInbox({ client, accept: acceptFor(id, url, spool, clock), logger, clock }),
    );
    const stop = async (): Promise<void> => {
      await Promise.all([forwarding, ...inboxes].map((part) => part.stop()));
      await close();
    };
    return { stop };
  } catch (error) {
    await close();
    throw error;
  }
}

function requireAgent(name: string, directory: AgentDirectory): AgentId {
  const agent = isAgentId(name) ? directory.get(name) : null;
  if (agent) return agent.id;
  throw new ParleyError('AGENT_UNKNOWN', `Agent '${name}' is not registered.`);
}

/** Takes messages from a relay into an agent's mailbox here: an envelope as the envelope that it is. */
export function acceptFor(
  agent: AgentId,
  relayUrl: string,
  spool: Spool,
  clock: Clock,
): (message: MessageV2) => Promise<void> {
  return async (message) => {
    const carried = carriedMessage(message.body, agent, { transport: 'http', metadata: { relay_url: relayUrl } });
    await acceptOnce(spool, carried ?? toNewMessage(message, [agentAddress(agent)], clock.now()));
  };
}
