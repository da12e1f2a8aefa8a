/*
 * Tasks for agents that do not speak envelopes: a script that polls its mailbox, an agent of another make on a hub. Both are
 * payload types of MessageV2; the text is in the body.
 */
export const TASK = 'task_assignment';
export const TASK_RESULT = 'task_result';

/** What an agent has made of a task. */
export type TaskAnswer = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: string };
