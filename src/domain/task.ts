import { z } from 'zod';
import { deriveId } from '../lib/ids.ts';
import { type AgentId, type MessageId, messageId } from './addresses.ts';
import type { Message, NewMessage } from './message.ts';

/*
 * Tasks for agents that do not speak envelopes: a script that polls its mailbox, an agent of another make on a hub. Both are
 * payload types of MessageV2; the text is in the body.
 */
export const TASK = 'task_assignment';
export const TASK_RESULT = 'task_result';

/** What an agent has made of a task. */
export type TaskAnswer = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: string };

/** The id of what an agent makes of a task that came over a link: whoever brought the task finds it by that. */
export const assignmentResultId = (task: MessageId, agent: AgentId): MessageId =>
  messageId(deriveId('msg', task, agent, 'result'));

const resultSchema = z.object({
  outcome: z.string().optional(),
  error: z.string().optional(),
  summary: z.string().optional(),
});

/** What a message with the result of a task says. */
export function taskResultOf({ body, payload }: Pick<Message, 'body' | 'payload'>): TaskAnswer {
  const { outcome, error, summary = '' } = resultSchema.parse(payload.data);
  const text = body || summary;
  return outcome === 'failed' || error !== undefined ? { ok: false, error: error ?? text } : { ok: true, text };
}

/** The content of such a message. */
export function taskResult(answer: TaskAnswer): Pick<NewMessage, 'body' | 'payload'> {
  const data = answer.ok ? { outcome: 'completed' } : { outcome: 'failed', error: answer.error };
  return { body: answer.ok ? answer.text : '', payload: { type: TASK_RESULT, data } };
}
