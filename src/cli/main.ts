import { CommanderError } from 'commander';
import { ERRORS, ParleyError } from '../domain/errors.ts';
import { type OutputOptions, printError } from './output.ts';
import { program } from './program.ts';

/** Runs the command line; sets the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const json = argv.includes('--json');
  endWhenNobodyReads({ json });
  try {
    await program().parseAsync([...argv]);
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? exitCodeOf(error, { json }) : printError(error, { json });
  }
}

/** `parley … | head`: whoever reads has read enough, which is no error. What else keeps the output from being written is one. */
function endWhenNobodyReads(output: OutputOptions): void {
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE') process.exit();
    process.exit(
      printError(new ParleyError('OUTPUT_FAILED', `The output cannot be written: ${cause.message}`, { cause }), output),
    );
  });
}

/** Commander ends the run by an error in any case; what was asked for, or a command without its subcommand, has printed help by then. */
function exitCodeOf(error: CommanderError, output: OutputOptions): number {
  if (error.exitCode === 0) return 0;
  return error.code === 'commander.help' ? ERRORS.USAGE.exit : printError(usageError(error), output);
}

const SUGGESTION = /\n?\((Did you mean .+\?)\)$/s;
const HINT = 'parley --help lists the commands; parley <command> --help shows what one takes.';
const HYPHEN_HINT = 'Put -- before a text that begins with a hyphen; parley <command> --help lists the options.';

/** Commander's error as one of ours: `error: unknown command 'sned'\n(Did you mean send?)`. */
function usageError({ code, message }: CommanderError): ParleyError {
  const text = message.replace(/^error: /, '').replace(SUGGESTION, '');
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/[^.?]$/, '$&.');
  const [, suggestion] = SUGGESTION.exec(message) ?? [];
  return new ParleyError('USAGE', sentence, {
    hint: suggestion ?? (code === 'commander.unknownOption' ? HYPHEN_HINT : HINT),
  });
}
