import { dirname, resolve } from 'node:path';
import { type Address, agentOf } from '../domain/addresses.ts';
import { DEFAULT_TTL_MS } from '../domain/message.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { FileTransport } from '../links/file/file-transport.ts';
import { HttpLink, type SecretOf } from '../links/http/http-link.ts';
import type { SigningLink } from '../links/link.ts';
import { SqliteRegistry } from '../registry/sqlite-registry.ts';
import { Database } from '../spool/sqlite/database.ts';
import { SqliteArchive } from '../spool/sqlite/sqlite-archive.ts';
import { SqliteSpool } from '../spool/sqlite/sqlite-spool.ts';
import { Coordinator } from './coordinator.ts';
import { CoordinatorRegistry } from './registry.ts';
import { type LinkedTransport, Routes } from './routes.ts';
import { SpoolTransport } from './spool-transport.ts';

/** What the card of an agent says that takes its messages out of the database. */
const HOME = 'sqlite';
const DEFAULT_TTL_HOURS = DEFAULT_TTL_MS / 3_600_000;
/** Five minutes, as the implementation guide says of its lease: who polls by hand also acks by hand. */
const POLL_LEASE_SECONDS = 300;
/** Whoever consumes extends its leases: what a crash holds up should not be held up for long. */
const CONSUME_LEASE_SECONDS = 60;

export interface CoordinatorOptions {
  /** Default: the working directory. */
  readonly projectRoot?: string;
  /** From the project root; default `data/coordination.db`. */
  readonly databasePath?: string;
  /** Where messages are kept; the registry is in the database in any case. With `file`, in `inbox/` beside it. Default `sqlite`. */
  readonly transport?: 'sqlite' | 'file';
  /** How long a message is worth delivering, unless it says so itself; default 24. */
  readonly ttlHours?: number;
  /** Default: 300 for a poll, 60 for a consumer. */
  readonly leaseSeconds?: number;
  /** The secrets with which agents of this machine sign what they send to agents on a relay; none unless given. */
  readonly relaySecret?: SecretOf;
  readonly clock?: Clock;
}

/** Agents on a hub or over HTTP are reached while `parley start` runs: what is for them waits for it. */
const SERVED: ReadonlySet<string> = new Set(['hub', 'agent-http']);

/** Opens the message spool of a project, which is made when it is not there. Throws one of the DATABASE_ errors. */
export function openCoordinator(options: CoordinatorOptions = {}): Coordinator {
  const {
    projectRoot = '.',
    databasePath = 'data/coordination.db',
    transport = 'sqlite',
    relaySecret: secretOf = () => null,
    clock = systemClock,
  } = options;
  const path = resolve(projectRoot, databasePath);
  const db = new Database(path, { clock });
  const registry = new CoordinatorRegistry(new SqliteRegistry(db, { clock }));
  const files = new FileTransport(dirname(path), { clock });
  const remote = new Map<string, SigningLink>([['http', new HttpLink({ secretOf, clock })]]);
  const shared = {
    registry,
    ttlHours: options.ttlHours ?? DEFAULT_TTL_HOURS,
    pollLeaseSeconds: options.leaseSeconds ?? POLL_LEASE_SECONDS,
    consumeLeaseSeconds: options.leaseSeconds ?? CONSUME_LEASE_SECONDS,
    clock,
  };
  if (transport === 'file') {
    const homeNames = new Set(['sqlite', 'file']);
    const routes = new Routes({ registry, home: files, homeNames, links: new Map(), remote, served: new Set() });
    return new Coordinator({
      ...shared,
      routes,
      home: files,
      database: null,
      recover: async () => 0,
      close: () => db.close(),
    });
  }
  const spool = new SqliteSpool(db, { clock });
  const archive = new SqliteArchive(db);
  const isHere = (recipient: Address): boolean => (registry.get(agentOf(recipient) ?? '')?.transport ?? HOME) === HOME;
  const home = new SpoolTransport({ spool, archive, isHere, clock });
  const links = new Map<string, LinkedTransport>([['file', files]]);
  const routes = new Routes({ registry, home, homeNames: new Set([HOME]), links, remote, served: SERVED });
  const close = async (): Promise<void> => {
    await spool.close();
    await db.close();
  };
  return new Coordinator({
    ...shared,
    routes,
    home,
    database: { spool, archive },
    recover: () => spool.recover(),
    close,
  });
}
