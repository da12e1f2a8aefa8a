import type { Command } from 'commander';
import { list, positive } from '../arguments.ts';
import type { RunOptions } from '../options.ts';
import type { OutputOptions } from '../output.ts';
import { examples } from './examples.ts';

/** The commands that run agents. */
export function defineRunningCommands(parley: Command): void {
  parley
    .command('start')
    .alias('up')
    .description('Run the agents that .env or parley.json5 set up; without either, the demo: Atlas, Nova and Bolt.')
    .option('--port <number>', 'port of the local page, /health and /ready (default: HEALTH_PORT, or 9090)')
    .option('--provider <names>', 'use this AI provider for the demo agents; a comma list gives each its own', list)
    .addHelpText(
      'after',
      examples('parley start', 'parley start --port 9191', 'parley start --provider openai,anthropic,groq'),
    )
    .action(async (options: RunOptions) => (await import('../start.ts')).start(options));

  parley
    .command('demo')
    .description('Have the demo conversation without a page, and print it. Exits with 0 only if it happened.')
    .option('--timeout <seconds>', 'give up after this long', positive('--timeout', 'seconds', 86_400), 60)
    .option('--provider <names>', 'use this AI provider instead of the scripted model', list)
    .addHelpText('after', examples('parley demo', 'parley demo --json', 'parley demo --timeout 120 --provider groq'))
    .action(async (options: OutputOptions & { timeout: number; provider?: string[] }) =>
      (await import('../demo.ts')).demo(options),
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
      `\nIn the chat: /to <agent or group> changes whom you talk to, /who lists them, /quit ends it.
${examples('parley chat', 'parley chat --to Nova')}`,
    )
    .action(async (options: RunOptions & { to?: string }) => (await import('../chat.ts')).chat(options));
}
