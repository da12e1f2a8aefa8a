import { z } from 'zod';
import { isAgentId } from '../../domain/addresses.ts';
import { linearRegex } from '../../lib/linear-regex.ts';
import { nearest } from '../../lib/suggestion.ts';
import { LOG_LEVELS } from './config.ts';

export const text = z.string('must be text').trim().min(1, 'must not be empty');
export const yesOrNo = z.boolean('must be true or false (in a variable also 1, 0, yes, no, on, off)');

const ID_RULE = 'must be 1 to 64 letters, digits or . _ @ + - and begin with a letter or digit';
export const agentIdField = agentIdIn(z.string(ID_RULE));

/** The id of an agent, in a text that has its own message for what is none. */
export function agentIdIn(schema: z.ZodString) {
  return schema.refine(isAgentId, ID_RULE);
}

export const PHONE_RULE = 'must be a phone number such as +15550101';

export function whole(unit: string, min: number, max: number) {
  const message = `must be a whole number${unit && ` of ${unit}`} from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

const MAX_PATTERNS = 50;
const MAX_PATTERN_LENGTH = 500;

/** Strangers write what it is searched in. */
const mentionPattern = z
  .string('must be text')
  .max(MAX_PATTERN_LENGTH, `must have at most ${MAX_PATTERN_LENGTH} characters`)
  .transform((source, { addIssue }) => {
    const regex = linearRegex(source);
    if (regex.ok && !regex.value.test('')) return regex.value;
    addIssue(regex.ok ? 'fits every message; for that, set the activation to always' : regex.error);
    return z.NEVER;
  });

/** Regular expressions, one of which in a text calls whom they belong to. */
export const mentionPatterns = z
  .array(mentionPattern)
  .max(MAX_PATTERNS, `must be at most ${MAX_PATTERNS} patterns`)
  .describe('Regular expressions. In a group, one of them in a message calls the agent. Case does not matter.');

/** The words are quoted only when they are near to one of ours: what somebody put here by mistake may be a secret. */
export function oneOf<const Words extends readonly string[]>(kind: string, words: Words) {
  return z.enum(words, {
    error: ({ input }) => {
      const meant = typeof input === 'string' ? nearest(input, words) : null;
      const suggestion = meant === null ? '.' : `: "${input}"; did you mean "${meant}"?`;
      return `is not a known ${kind}${suggestion} Known: ${words.join(', ')}`;
    },
  });
}

/** The settings of the message spool, without what they are by default: whoever works with it knows that best. */
export const spoolFields = {
  databasePath: text,
  logLevel: oneOf('log level', LOG_LEVELS),
  leaseSeconds: whole('seconds', 1, 86_400),
  ttlHours: whole('hours', 1, 8760),
};
