import { messageId } from '../domain/addresses.ts';
import type { ApprovalStore } from '../domain/approval.ts';
import type { ChatIn, Choice } from '../domain/chat.ts';

/** The commands that an emoji stands for, when it is put to a message that shows a request. */
const DECISIONS: ReadonlyMap<string, 'approve' | 'reject'> = new Map([
  ['👍', 'approve'],
  ['✅', 'approve'],
  ['👎', 'reject'],
  ['❌', 'reject'],
]);

/** The colour of a hand, and the mark that something is to be shown as an emoji. */
const VARIANTS = /[\u{1f3fb}-\u{1f3ff}\ufe0f]/gu;

/** The buttons under a request: each says the command. */
export const choicesOf = (number: number): Choice[] => [
  { id: `!approve ${number}`, label: 'Approve' },
  { id: `!reject ${number}`, label: 'Reject' },
];

/** The command that a person gives by a reaction; null when it is none. Whether they may is asked as of any command. */
export function commandOfReaction(
  approvals: Pick<ApprovalStore, 'byNotice'>,
  { emoji, to }: NonNullable<ChatIn['reaction']>,
): string | null {
  const command = DECISIONS.get(emoji.replaceAll(VARIANTS, ''));
  const approval = command === undefined ? null : approvals.byNotice(messageId(to));
  return approval ? `!${command} ${approval.number}` : null;
}
