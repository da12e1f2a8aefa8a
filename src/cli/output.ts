import { styleText } from 'node:util';
import { ParleyError } from '../domain/errors.ts';
import { errorText } from '../lib/errors.ts';

export interface OutputOptions {
  /** For programs: JSON instead of text. */
  readonly json?: boolean;
}

/** Prints an error as people or programs read it, with what mends it, on standard error; returns the exit code. */
export function printError(error: unknown, { json }: OutputOptions): number {
  const known = error instanceof ParleyError ? error : null;
  const code = known?.code ?? 'INTERNAL';
  const hint = known?.hint ?? 'This is a fault in Parley. Run it again with LOG_LEVEL=debug and report what it says.';
  const text = json
    ? JSON.stringify({ error: { code, message: errorText(error), hint } })
    : `${styleText('red', 'Error:', { stream: process.stderr })} ${printable(errorText(error))}\nHint:  ${printable(hint)}`;
  process.stderr.write(`${text}\n`);
  if (!known && error instanceof Error && error.stack && !json) process.stderr.write(`${error.stack}\n`);
  return known?.exitCode ?? 70;
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One JSON document, laid out for people to read as well. */
export function printDocument(document: unknown): void {
  printLine(JSON.stringify(document, null, 2));
}

/** What a command has come to: one JSON document for programs, or what `describe` makes of it for people. */
export function printResult<T>(result: T, { json }: OutputOptions, describe: (result: T) => string): void {
  if (json) printDocument(result);
  else printLine(describe(result));
}

/** One of many results that come one after the other: for programs, a line of JSON. */
export function printEach<T>(result: T, { json }: OutputOptions, describe: (result: T) => string): void {
  printLine(json ? JSON.stringify(result) : describe(result));
}

const MARKS = { strong: 'bold', faint: 'dim', good: 'green', doubtful: 'yellow', bad: 'red' } as const;

/** The same text, set off where the terminal has colours and nobody has asked for none. */
export function mark(how: keyof typeof MARKS, text: string): string {
  return styleText(MARKS[how], text, { stream: process.stdout });
}

/** Control characters but tab and line feed, and those that turn the direction of writing. */
const TERMINAL_TRICKS = /(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** The text with such characters made visible: what others have written must not move the cursor or pass for something else. */
export function printable(text: string): string {
  return text.replace(TERMINAL_TRICKS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same in one line. */
export function oneLine(text: string): string {
  return printable(text.replaceAll('\r\n', '\n')).replaceAll(/\s*\n\s*/g, ' ');
}

/** A time as people read it, on this machine's clock. */
export function localTime(at: number | string): string {
  return new Date(at).toLocaleString('sv-SE');
}

/** A time as programs read it. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}
