import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';
import { err, ok, type Result } from './result.ts';

/** A regular expression whose search takes time in proportion to the text, whatever the text is. Case does not matter. */
export interface LinearRegex {
  readonly source: string;
  /** Whether it fits anywhere in the text. */
  test(text: string): boolean;
}

/** So many steps for each character of a text, at most. */
const MAX_SIZE = 1000;

/** Compiles an expression in the syntax of JavaScript; or says what is wrong with it, without quoting it. */
export function linearRegex(source: string): Result<LinearRegex, string> {
  // JavaScript takes it for a letter k where no group has a name, and the compiler does everywhere.
  if (source.includes('\\k<')) return err(NOT_LINEAR);
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(source), RE2JS.CASE_INSENSITIVE);
    if (compiled.programSize() > MAX_SIZE) return err('is too large: lower its repetitions');
    return ok({ source, test: (text) => compiled.test(text) });
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const isForeign = /\(\?<?[=!]|\\[1-9]/.test(source);
    return err(isForeign ? NOT_LINEAR : `is not a regular expression: ${reasonOf(error)}`);
  }
}

const NOT_LINEAR =
  'looks around or back, as (?=…), (?!…), (?<=…), (?<!…), \\1 and \\k<…> do, which can take for ever on a long text; write it without';

const reasonOf = (error: RE2JSException): string =>
  error instanceof RE2JSSyntaxException ? error.getDescription() : 'it cannot be compiled';
