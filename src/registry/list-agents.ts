import { existsSync } from 'node:fs';
import type { RegisteredAgent } from '../domain/agent-card.ts';
import type { AgentDirectory } from '../domain/directory.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { Database } from '../spool/sqlite/database.ts';
import { SqliteRegistry } from './sqlite-registry.ts';

export type ListAgentsOptions = NonNullable<Parameters<AgentDirectory['list']>[0]> & {
  /** Default: `data/coordination.db` in the working directory, where `parley start` keeps it. */
  readonly databasePath?: string;
  readonly clock?: Clock;
};

/** The agents that a database knows of, none when it is not there. Rejects with one of the DATABASE_ errors when it cannot be used. */
export async function listAgents({
  databasePath = 'data/coordination.db',
  clock = systemClock,
  ...filter
}: ListAgentsOptions = {}): Promise<readonly RegisteredAgent[]> {
  if (!existsSync(databasePath)) return [];
  const db = new Database(databasePath, { clock });
  try {
    return new SqliteRegistry(db, { clock }).list(filter);
  } finally {
    await db.close();
  }
}
