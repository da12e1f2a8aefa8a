/** The intents that Parley itself uses. An envelope may carry others: what to do with those is for its reader to decide. */
export const INTENTS = [
  'announce',
  'identity',
  'chat',
  'task',
  'reply',
  'group',
  'group-answer',
  'group-update',
  'notice',
] as const;
export type Intent = (typeof INTENTS)[number];
