import type { LinearRegex } from '../lib/linear-regex.ts';

/** WhatsApp puts marks for the direction of a text around names, and nobody sees them; nor spaces without a width. */
const INVISIBLE = /[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
/** Of a text, so much is searched, in UTF-16 code units: the gate takes no longer ones by default. */
const SEARCHED_LENGTH = 10_000;

/** The mention patterns that a text fits. */
export function fittingPatterns(patterns: readonly LinearRegex[], text: string): readonly LinearRegex[] {
  if (patterns.length === 0) return [];
  const seen = text.slice(0, SEARCHED_LENGTH).replaceAll(INVISIBLE, '');
  return patterns.filter((pattern) => pattern.test(seen));
}
