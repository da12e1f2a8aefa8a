import { parsed } from './prompt.ts';
import { answerFromTool } from './tool-answer.ts';

const APPROVED = /^\[approved: (\w{1,64})\]\n(.*)$/s;
const REJECTED = /^\[rejected: (\w{1,64})\](.*)$/s;

/** What the scripted model says when somebody has decided on a tool that it had called; null when it is told something else. */
export function answerAfterApproval(message: string): string | null {
  const [, approved, output = ''] = APPROVED.exec(message) ?? [];
  if (approved !== undefined) return answerFromTool({ tool: approved, output: parsed(output) });
  const [, rejected, why = ''] = REJECTED.exec(message) ?? [];
  return rejected === undefined ? null : [`I may not do that (${rejected}).`, why.trim()].filter(Boolean).join(' ');
}
