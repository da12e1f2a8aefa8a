import pino from 'pino';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { HttpLink, type SecretOf } from '../links/http/http-link.ts';
import { SqliteRegistry } from '../registry/sqlite-registry.ts';
import { RATE_WINDOW_S } from '../relay/answer-error.ts';
import { relayServer } from '../relay/relay.ts';
import { RateLimiter } from '../security/rate-limiter.ts';
import { Database } from '../spool/sqlite/database.ts';
import { SqliteSpool } from '../spool/sqlite/sqlite-spool.ts';
import { SqliteRelayNonces } from '../store/relay-nonces.ts';
import { SqliteRelaySecrets } from '../store/relay-secrets.ts';
import { every } from './every.ts';
import { Forwarding } from './forwarding.ts';
import { close, listen } from './http.ts';
import type { SpoolSettings } from './spool-settings.ts';

// The words in which the command line talks of secrets.
export type { SecretRecord } from '../store/relay-secrets.ts';

export interface RelaySettings {
  readonly databasePath: string;
  readonly host: string;
  readonly port: number;
  readonly trustedProxies: readonly string[];
  /** For what this database forwards to agents on other relays. */
  readonly secretOf: SecretOf;
}

export interface RunningRelay {
  readonly url: string;
  /** Answers what is being asked, then closes. */
  stop(): Promise<void>;
}

/** Requests that an agent may make, and all behind one address together, in RATE_WINDOW_S seconds. */
const AGENT_REQUESTS = 2_000;
const ADDRESS_REQUESTS = 5_000;
/** How many of them are remembered. */
const MAX_SENDERS = 1_000;
const SWEEP_MS = 15 * 60 * 1000;
/** How long what is settled is kept: so long a message that is sent again is known to be the same, in milliseconds. */
const KEEP_MS = 24 * 60 * 60 * 1000;

/** Serves the mailboxes of a database to agents on other machines, and forwards what it has for agents on other relays. Throws a ParleyError. */
export async function startRelay(
  { databasePath, host, port, trustedProxies, secretOf }: RelaySettings,
  { logger, clock = systemClock }: { readonly logger: Logger; readonly clock?: Clock },
): Promise<RunningRelay> {
  const db = new Database(databasePath, { clock });
  const spool = new SqliteSpool(db, { clock });
  const closeDatabase = async (): Promise<void> => {
    await spool.close();
    await db.close();
  };
  try {
    await spool.recover();
    const directory = new SqliteRegistry(db, { clock });
    const app = relayServer({
      spool,
      directory,
      secrets: new SqliteRelaySecrets(db, { clock }),
      nonces: new SqliteRelayNonces(db, { clock }),
      admits: admission(clock),
      trustedProxies,
      clock,
      logger,
    });
    const url = await listen(app, { host, port });
    const links = new Map([['http', { link: new HttpLink({ secretOf, clock }), concurrency: 1 }]]);
    const forwarding = new Forwarding({ spool, directory, links, keys: null, logger, clock });
    const endSweeps = every(SWEEP_MS, { clock, logger }, () => spool.cleanup(clock.now() - KEEP_MS));
    const stop = async (): Promise<void> => {
      endSweeps();
      await close(app);
      await forwarding.stop();
      await closeDatabase();
    };
    return { url, stop };
  } catch (error) {
    await closeDatabase();
    throw error;
  }
}

/** Works on the secrets of a database, which it opens and closes. */
export async function withRelaySecrets<T>(
  { databasePath }: Pick<SpoolSettings, 'databasePath'>,
  work: (secrets: SqliteRelaySecrets) => Promise<T> | T,
): Promise<T> {
  const db = new Database(databasePath);
  try {
    return await work(new SqliteRelaySecrets(db));
  } finally {
    await db.close();
  }
}

/** Standard output is for what the user asked for; the log goes to standard error. */
export function relayLogger({ logLevel }: Pick<SpoolSettings, 'logLevel'>): Logger {
  return pino({ level: logLevel }, pino.destination({ dest: 2, sync: true }));
}

function admission(clock: Clock): Parameters<typeof relayServer>[0]['admits'] {
  const windowMs = RATE_WINDOW_S * 1000;
  const agents = new RateLimiter({ max: AGENT_REQUESTS, windowMs }, clock, MAX_SENDERS);
  const addresses = new RateLimiter({ max: ADDRESS_REQUESTS, windowMs }, clock, MAX_SENDERS);
  return {
    agent: (id) => agents.admit(id) === 'admitted',
    address: (ip) => addresses.admit(ip) === 'admitted',
  };
}
