import { ParleyError } from '../domain/errors.ts';
import { errorText } from '../lib/errors.ts';

/** Prints an error as people or programs read it, with what mends it, on standard error; returns the exit code. */
export function printError(error: unknown, { json }: { json: boolean }): number {
  const known = error instanceof ParleyError ? error : null;
  const code = known?.code ?? 'INTERNAL';
  const hint = known?.hint ?? 'This is a fault in Parley. Run it again with LOG_LEVEL=debug and report what it says.';
  const text = json
    ? JSON.stringify({ error: { code, message: errorText(error), hint } })
    : `Error: ${errorText(error)}\nHint:  ${hint}`;
  process.stderr.write(`${text}\n`);
  if (!known && error instanceof Error && error.stack && !json) process.stderr.write(`${error.stack}\n`);
  return known?.exitCode ?? 70;
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}
