import { describe, expect, it } from 'vitest';
import { linearRegex } from './linear-regex.ts';

function regex(source: string) {
  const compiled = linearRegex(source);
  if (!compiled.ok) throw new Error(compiled.error);
  return compiled.value;
}

describe('a linear regular expression', () => {
  it.each([
    ['\\b@?claude\\b', 'hey CLAUDE!', true],
    ['\\b@?claude\\b', 'claudette', false],
    ['älex', 'ÄLEX?', true],
    ['\\u00e4lex', 'Älex', true],
    ['🦞|\\p{Greek}', 'a 🦞', true],
    ['^(?<who>bot|robot)[,:]', 'Robot: go', true],
    ['^bot', 'a bot', false],
  ])('[BRD-05] %s in %j: %s', (source, text, expected) => {
    expect(regex(source).test(text)).toBe(expected);
  });

  // Each of these takes longer than the age of the world with an engine that goes back.
  it.each(['(a+)+$', '(a|a)*$', '(a|aa)+$', '(?:a?){30}a{30}$', '(.*)*x(.*)*y', '(x+x+)+y'])(
    '[BRD-05] %s is done with soon, whatever a stranger writes',
    (source) => {
      const begun = performance.now();
      regex(source).test(`${'a'.repeat(50_000)}!`);
      regex(source).test('x'.repeat(50_000));
      expect(performance.now() - begun).toBeLessThan(5_000);
    },
  );

  it.each([
    ['(?=bot)', /looks around or back/],
    ['(?<!a)bot', /looks around or back/],
    ['(bot)\\1', /looks around or back/],
    ['(?<n>bot)\\k<n>', /looks around or back/],
    ['(hush', /^is not a regular expression: missing closing \)$/],
    ['[hush', /^is not a regular expression: missing closing \]$/],
    ['*hush', /^is not a regular expression: missing argument/],
    ['hush{2000}', /^is not a regular expression: invalid repeat count$/],
    ['(a|b|hush){900}', /^is too large/],
  ])('[BRD-05] %s is refused, and not quoted', (source, expected) => {
    const compiled = linearRegex(source);
    expect(compiled.ok ? '' : compiled.error).toMatch(expected);
    expect(JSON.stringify(compiled)).not.toContain('hush');
  });
});
