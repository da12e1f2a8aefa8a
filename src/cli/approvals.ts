import { decideApproval, listApprovals } from '../daemon/approvals.ts';
import { spoolSettings } from '../daemon/spool-settings.ts';
import type { Approval } from '../domain/approval.ts';
import type { SpoolOptions } from './options.ts';
import { isoTime, localTime, mark, oneLine, printResult } from './output.ts';

export interface ApprovalsOptions extends SpoolOptions {
  readonly all?: boolean;
}

export interface RejectOptions extends SpoolOptions {
  readonly reason?: string;
}

/** `parley approvals`: what waits for a person. */
export async function approvals(options: ApprovalsOptions): Promise<void> {
  const found = await listApprovals(spoolSettings(options), options.all ? 'all' : 'waiting');
  printResult({ approvals: found.map(documentOf) }, options, () =>
    found.length === 0 ? 'Nothing waits for approval.' : found.map(describe).join('\n'),
  );
}

/** `parley approve`. Throws MESSAGE_INVALID when it cannot be approved any more. */
export async function approve(number: number, options: SpoolOptions): Promise<void> {
  await decide(number, 'approved', null, options);
}

/** `parley reject`. Throws MESSAGE_INVALID when it cannot be rejected any more. */
export async function reject(number: number, options: RejectOptions): Promise<void> {
  await decide(number, 'rejected', options.reason ?? null, options);
}

async function decide(
  number: number,
  status: 'approved' | 'rejected',
  why: string | null,
  options: SpoolOptions,
): Promise<void> {
  const { agent, tool } = await decideApproval(spoolSettings(options), number, status, why);
  printResult({ number, agent, tool, status }, options, () => `${number} is ${status}: ${agent}, ${oneLine(tool)}.`);
}

function documentOf({ number, agent, tool, input, place, askedBy, status, decidedBy, why, ...at }: Approval) {
  return {
    ...{ number, agent, tool, input, asked_by: askedBy, chat: place, status, decided_by: decidedBy, why },
    asked_at: isoTime(at.askedAt),
    expires_at: isoTime(at.expiresAt),
  };
}

/** All of the input: whoever approves it has to see it. */
function describe({ number, agent, tool, input, askedBy, status, expiresAt, decidedBy, why }: Approval): string {
  const until = status === 'waiting' ? `, until ${localTime(expiresAt)}` : '';
  const by = decidedBy === null ? '' : ` by ${oneLine(decidedBy)}`;
  const reason = why === null ? '' : ` (${oneLine(why)})`;
  const head = `${mark('strong', String(number))} ${agent}: ${oneLine(tool)}, for ${oneLine(askedBy)}; ${status}${by}${until}${reason}`;
  return `${head}\n    ${oneLine(JSON.stringify(input))}`;
}
