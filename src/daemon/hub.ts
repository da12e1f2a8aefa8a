import pino from 'pino';
import { Worker } from '../delivery/worker.ts';
import type { HubStore } from '../hub/options.ts';
import { AcceptedSecrets } from '../hub/secrets.ts';
import { hubServer } from '../hub/server.ts';
import { systemClock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { openSpool } from '../spool/open.ts';
import type { Spool } from '../spool/spool.ts';
import { listen } from './http.ts';
import { type HubFlags, type HubSettings, hubSettings } from './hub-settings.ts';

/** How many tasks and messages that waited an agent is given at once. */
const CONCURRENCY = 4;
const LEASE_MS = 60_000;
const CLEAN_EVERY_MS = 30 * 60_000;
/** How long what is settled can be looked up, in milliseconds. */
const KEEP_MS = 24 * 3_600_000;

export interface RunningHub {
  readonly url: string;
  /** Reads the secrets again: from then on those count. When something is wrong with them it is logged, and the old ones stay. */
  reload(): void;
  /** Tells the agents, lets them answer, closes. */
  stop(): Promise<void>;
}

/** Starts the hub that flags, environment and `.env` describe. Throws a ParleyError. */
export async function startHub(flags: HubFlags): Promise<RunningHub> {
  const settings = hubSettings(flags);
  const logger: Logger = pino({ level: settings.logLevel }, pino.destination({ dest: 2, sync: true }));
  const spool = settings.databasePath === null ? null : await openSpool(settings.databasePath);
  try {
    return await serve(settings, spool, logger, flags);
  } catch (error) {
    await spool?.close();
    throw error;
  }
}

async function serve(settings: HubSettings, spool: Spool | null, logger: Logger, flags: HubFlags): Promise<RunningHub> {
  const { host, port, tls, maxAgents, maxPerAddress, allowedOrigins, trustedProxies } = settings;
  const secrets = new AcceptedSecrets(settings.secrets);
  const store = spool && storeOn(spool, logger);
  const limits = { maxAgents, maxPerAddress, allowedOrigins, trustedProxies };
  const app = hubServer({ ...limits, secrets, tls, store, logger, clock: systemClock });
  const url = await listen(app, { host, port });
  const cleaning = spool && setInterval(() => void clean(spool, logger), CLEAN_EVERY_MS);
  return {
    url: tls ? url.replace(/^http:/, 'https:') : url,
    reload: () => reload(flags, secrets, logger),
    stop: async () => {
      if (cleaning) clearInterval(cleaning);
      await app.close();
      await spool?.close();
    },
  };
}

function storeOn(spool: Spool, logger: Logger): HubStore {
  return {
    spool,
    serve: (mailbox, handle) =>
      new Worker({ spool, mailbox, handle, concurrency: CONCURRENCY, leaseMs: LEASE_MS, logger }),
  };
}

async function clean(spool: Spool, logger: Logger): Promise<void> {
  try {
    await spool.cleanup(systemClock.now() - KEEP_MS);
  } catch (error) {
    logger.error({ error: errorText(error) }, 'the database could not be cleaned up');
  }
}

/** It never opens the hub to everybody: for that, it has to be started so. */
function reload(flags: HubFlags, secrets: AcceptedSecrets, logger: Logger): void {
  try {
    const { secrets: fresh } = hubSettings(flags);
    if (fresh.length === 0) return logger.warn({}, 'there is no secret any more: the old ones stay');
    secrets.replace(fresh);
    logger.info({ secrets: fresh.length }, 'the secrets were read again');
  } catch (error) {
    logger.error({ error: errorText(error) }, 'the secrets could not be read again: the old ones stay');
  }
}
