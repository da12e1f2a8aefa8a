import { userInfo } from 'node:os';
import { decide } from '../agents/approval-decisions.ts';
import type { Approval } from '../domain/approval.ts';
import { ParleyError } from '../domain/errors.ts';
import { systemClock } from '../lib/clock.ts';
import { Database } from '../spool/sqlite/database.ts';
import { SqliteSpool } from '../spool/sqlite/sqlite-spool.ts';
import { SqliteApprovals } from '../store/approvals.ts';
import { SqliteAuditLog } from '../store/audit-log.ts';
import type { SpoolSettings } from './spool-settings.ts';

type Where = Pick<SpoolSettings, 'databasePath'>;

/** The requests that wait, or all that are kept; oldest first. */
export async function listApprovals({ databasePath }: Where, which: 'waiting' | 'all'): Promise<readonly Approval[]> {
  const db = new Database(databasePath);
  try {
    return new SqliteApprovals(db).list(which);
  } finally {
    await db.close();
  }
}

/**
 * Decides on a request, as whoever runs this process. The agent is told in its mailbox, whether it runs now or later. Throws
 * MESSAGE_INVALID when there is nothing to decide.
 */
export async function decideApproval(
  { databasePath }: Where,
  number: number,
  status: 'approved' | 'rejected',
  why: string | null,
): Promise<Approval> {
  const db = new Database(databasePath);
  const spool = new SqliteSpool(db);
  try {
    const records = { approvals: new SqliteApprovals(db), audit: new SqliteAuditLog(db) };
    const user = userName();
    const decision = { status, by: user, actor: `command line: ${user}`, why };
    const decided = decide(records, number, decision, systemClock.now());
    if (!decided.ok) throw notToDecide(decided.error);
    const { message, also, approval } = decided.value;
    const [receipt] = await spool.send([message], also);
    // Somebody else was first, since we looked: nothing of ours was written.
    if (receipt?.duplicate) throw notToDecide(`${number} has been decided already.`);
    return approval;
  } finally {
    await spool.close();
    await db.close();
  }
}

const notToDecide = (message: string): ParleyError =>
  new ParleyError('MESSAGE_INVALID', message, { hint: 'parley approvals lists what waits.' });

/** In a container there may be no name for the user. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
