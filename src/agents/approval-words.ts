import type { Approval } from '../domain/approval.ts';

/** How much of an input those who are to approve it are shown, in UTF-16 code units. */
const SHOWN = 1_000;
/** How much of it a list shows. */
const LISTED = 80;
const LONGEST_NAME = 80;

/** What those who are to approve a call are told. */
export function describeRequest(approval: Approval, agent: string): string {
  const { number, askedAt, expiresAt } = approval;
  const deadline = inTime(expiresAt - askedAt);
  return `${describeCall(approval, agent)}\n!approve ${number} or !reject ${number} [why], within ${deadline}.`;
}

/** What is to be called, and with what. */
export function describeCall({ tool, input, askedBy }: Approval, agent: string): string {
  const text = harmless(JSON.stringify(input, null, 2));
  const rest = text.length - SHOWN;
  return [
    `${agent} wants to use ${tool}, for ${nameOf(askedBy)}:`,
    '```',
    text.slice(0, SHOWN),
    '```',
    ...(rest > 0 ? [`There are ${rest} more characters: \`parley approvals --json\` shows them.`] : []),
  ].join('\n');
}

/** A request in one line. */
export function describeWaiting(
  { number, tool, input, askedBy, expiresAt }: Approval,
  agent: string,
  now: number,
): string {
  const left = expiresAt > now ? `${inTime(expiresAt - now)} left` : 'its time is up';
  const text = harmless(JSON.stringify(input));
  const shown = text.length > LISTED ? `${text.slice(0, LISTED)}…` : text;
  return `${number}: ${agent}, ${tool}, for ${nameOf(askedBy)}, ${left}: ${shown}`;
}

/** What has become of a request that nobody can decide any more. */
export function describeDecision({ number, status, decidedBy }: Approval): string {
  const by = decidedBy === null ? '' : ` by ${nameOf(decidedBy)}`;
  if (status === 'rejected') return `${number} has been rejected${by} already.`;
  if (status === 'approved' || status === 'calling' || status === 'done')
    return `${number} has been approved${by} already.`;
  return `${number} has expired. Whoever wants it has to ask again.`;
}

/** What the model is told that wanted it. */
export const describeResult = (tool: string, result: string): string => `[approved: ${tool}]\n${result}`;

export function describeRefusal({ tool, status, why }: Approval): string {
  const reason = status === 'expired' ? 'Nobody has approved it in time.' : (why ?? '');
  return `[rejected: ${tool}] ${reason}`.trimEnd();
}

/** What is invisible, or turns the direction of writing. JSON has escaped the rest. */
const DISGUISES = /[\p{Cf}\p{Zl}\p{Zp}\u007f-\u009f]/gu;

/** JSON that shows all that is in it and cannot end the block of code around it. It means the same as before. */
const harmless = (json: string): string => json.replaceAll('```', escaped).replaceAll(DISGUISES, escaped);

const escaped = (text: string): string =>
  Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');

/** People choose their names; here one is a few words in a line. */
const nameOf = (name: string): string =>
  name
    .replaceAll(/[\p{C}\p{Z}`]+/gu, ' ')
    .trim()
    .slice(0, LONGEST_NAME);

/** To the minute; below two hours in minutes alone. */
function inTime(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 120) return counted(minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  const parts = [counted(Math.floor(hours / 24), 'day'), counted(hours % 24, 'hour'), counted(minutes % 60, 'minute')];
  return parts.filter((part) => !part.startsWith('0 ')).join(' ');
}

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;
