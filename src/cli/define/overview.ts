import { type Command, Option } from 'commander';
import type { AgentsOptions } from '../agents.ts';
import { positive } from '../arguments.ts';
import type { CleanupOptions } from '../cleanup.ts';
import type { SpoolOptions } from '../options.ts';
import type { StatsOptions } from '../stats.ts';
import type { TailOptions } from '../tail.ts';
import { examples } from './examples.ts';

/** The commands that show how things are, and put them in order. */
export function defineOverviewCommands(parley: Command): void {
  parley
    .command('agents')
    .description('The registered agents.')
    .option('--capability <name>', 'those that can do this')
    .addOption(new Option('--status <status>', 'those that are so').choices(['active', 'inactive', 'offline']))
    .addHelpText('after', examples('parley agents', 'parley agents --capability research --status active'))
    .action(async (options: AgentsOptions) => (await import('../agents.ts')).agents(options));

  parley
    .command('stats')
    .description(
      'How many messages there are and how they fare. Standard output is JSON; the metrics go to standard error.',
    )
    .option('--verify', 'check the integrity of the database too')
    .addHelpText('after', examples('parley stats', 'parley stats --verify', 'parley stats --json'))
    .action(async (options: StatsOptions) => (await import('../stats.ts')).stats(options));

  parley
    .command('cleanup')
    .description('Mark messages past their time to live as expired, and remove those that were settled long ago.')
    .option('--dry-run', 'only say what it would do')
    .option('--older-than <hours>', 'how long ago is long (default: 24)', positive('--older-than', 'hours', 87_600))
    .addHelpText('after', examples('parley cleanup --dry-run', 'parley cleanup --older-than 168'))
    .action(async (options: CleanupOptions) => (await import('../cleanup.ts')).cleanup(options));

  parley
    .command('tail')
    .description('Show what happens to messages, as it happens, until Ctrl-C. With --json, a line for each event.')
    .option('--agent <name>', 'only messages from or to this agent')
    .option('--conversation <id>', 'only this conversation')
    .addHelpText('after', examples('parley tail', 'parley tail --agent builder --json'))
    .action(async (options: TailOptions) => (await import('../tail.ts')).tail(options));

  parley
    .command('doctor')
    .description(
      'Check Node, configuration, database, agents and the accounts of a running Parley, and say what to do. Exits with 1 when there is a problem.',
    )
    .addHelpText('after', examples('parley doctor', 'parley doctor --json'))
    .action(async (options: SpoolOptions) => (await import('../doctor.ts')).doctor(options));
}
