import type { Clock } from '../lib/clock.ts';
import { SqliteRegistry } from '../registry/sqlite-registry.ts';
import type { Database } from '../spool/sqlite/database.ts';
import { SqliteApprovals } from '../store/approvals.ts';
import { SqliteAuditLog } from '../store/audit-log.ts';
import { SqliteDiscussions, SqliteGroups } from '../store/groups.ts';
import { SqliteSeenEnvelopes } from '../store/seen-envelopes.ts';
import { SqliteSessions } from '../store/sessions.ts';
import { SqliteTeams } from '../store/teams.ts';

/** What is kept beside the mailboxes, in the same database. */
export interface Records {
  readonly registry: SqliteRegistry;
  readonly audit: SqliteAuditLog;
  readonly sessions: SqliteSessions;
  readonly groups: SqliteGroups;
  readonly discussions: SqliteDiscussions;
  readonly seen: SqliteSeenEnvelopes;
  readonly teams: SqliteTeams;
  readonly approvals: SqliteApprovals;
}

export function openRecords(db: Database, clock: Clock): Records {
  return {
    registry: new SqliteRegistry(db, { clock }),
    audit: new SqliteAuditLog(db, { clock }),
    sessions: new SqliteSessions(db),
    groups: new SqliteGroups(db),
    discussions: new SqliteDiscussions(db),
    seen: new SqliteSeenEnvelopes(db),
    teams: new SqliteTeams(db, { clock }),
    approvals: new SqliteApprovals(db, { clock }),
  };
}
