import type { Command } from 'commander';
import type { HubFlags } from '../../daemon/hub-settings.ts';
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

  parley
    .command('hub')
    .description('Run the Agent Hub: agents connect to it by WebSocket, and are given tasks by HTTP.')
    .option('--port <number>', 'port to listen on (default: PORT, or 8090)')
    .option(
      '--host <address>',
      'address to listen on (default: HUB_HOST, or 127.0.0.1); any but this machine needs HUB_SECRET',
    )
    .addHelpText(
      'after',
      `\nWith --db (or HUB_DB_PATH), a database of its own, tasks and messages wait there for agents that are away.
${examples('parley hub', 'parley hub --port 8091 --db data/hub.db')}`,
    )
    .action(async (options: HubFlags & OutputOptions) => (await import('../hub.ts')).hub(options));
}
