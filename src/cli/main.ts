import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ParleyError } from '../domain/errors.ts';
import { printError } from './output.ts';

const packageFile = new URL('../../package.json', import.meta.url);

/** Exit codes, from sysexits.h: 0 done, 64 wrong usage, 65 bad data, 69 unavailable, 70 a fault in Parley, 73 cannot write, 74 input or output, 75 try again, 78 configuration. */
const USAGE_EXIT = 64;

/** Runs the command line; sets the exit code. Each command is loaded only when it is called. */
export async function main(argv: readonly string[]): Promise<void> {
  const json = argv.includes('--json');
  try {
    await program().parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT;
    else process.exitCode = printError(error, { json });
  }
}

function program(): Command {
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
  const parley = new Command('parley')
    .description('AI agents that talk to each other and to people.')
    .version(version)
    .showHelpAfterError('(parley --help lists the commands)')
    .exitOverride();

  parley
    .command('start')
    .alias('up')
    .description('Run the agents that .env or parley.json5 set up; without either, the demo: Atlas, Nova and Bolt.')
    .option('--port <number>', 'port of the local page, /health and /ready (default: HEALTH_PORT, or 9090)')
    .option('--provider <names>', 'use this AI provider for the demo agents; a comma list gives each its own', list)
    .addHelpText(
      'after',
      '\nExamples:\n  parley start\n  parley start --port 9191\n  parley start --provider openai,anthropic,groq',
    )
    .action(async (options: { port?: string; provider?: string[] }) => (await import('./start.ts')).start(options));

  parley
    .command('demo')
    .description('Have the demo conversation without a page, and print it. Exits with 0 only if it happened.')
    .option('--json', 'one JSON object a line: who, to, text, id, hop')
    .option('--timeout <seconds>', 'give up after this long', seconds, 60)
    .option('--provider <names>', 'use this AI provider instead of the scripted model', list)
    .action(async (options: { json?: boolean; timeout: number; provider?: string[] }) =>
      (await import('./demo.ts')).demo(options),
    );

  parley
    .command('chat')
    .description(
      'Talk to the agents from the terminal: to those that are running, or else to those that `parley start` would run.',
    )
    .option('--port <number>', 'port of a Parley that is running (default: HEALTH_PORT, or 9090)')
    .option('--to <agent>', 'whom to talk to first')
    .option('--provider <names>', 'as for `parley start`', list)
    .addHelpText(
      'after',
      '\nIn the chat: /to <agent or group> changes whom you talk to, /who lists them, /quit ends it.',
    )
    .action(async (options: { port?: string; to?: string; provider?: string[] }) =>
      (await import('./chat.ts')).chat(options),
    );

  return parley;
}

const list = (text: string): string[] => text.split(',').map((word) => word.trim());

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 86_400))
    throw new ParleyError('USAGE', `--timeout takes seconds, more than 0 and at most 86400, not ${text}.`);
  return value;
}
