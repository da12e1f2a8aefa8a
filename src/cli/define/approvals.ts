import type { Command } from 'commander';
import type { ApprovalsOptions, RejectOptions } from '../approvals.ts';
import { whole } from '../arguments.ts';
import type { SpoolOptions } from '../options.ts';
import { examples } from './examples.ts';

const requestNumber = whole('<number>', 1, Number.MAX_SAFE_INTEGER);

/** The commands with which people decide what agents may do. */
export function defineApprovalCommands(parley: Command): void {
  parley
    .command('approvals')
    .description('What agents have asked to do, and may do only when a person agrees.')
    .option('--all', 'also what has been decided already')
    .addHelpText('after', examples('parley approvals', 'parley approvals --all --json'))
    .action(async (options: ApprovalsOptions) => (await import('../approvals.ts')).approvals(options));

  parley
    .command('approve')
    .argument('<number>', 'the number of the request', requestNumber)
    .description('Let an agent do what it has asked for.')
    .addHelpText('after', examples('parley approve 7'))
    .action(async (number: number, options: SpoolOptions) =>
      (await import('../approvals.ts')).approve(number, options),
    );

  parley
    .command('reject')
    .argument('<number>', 'the number of the request', requestNumber)
    .description('Do not let it.')
    .option('--reason <text>', 'why; the agent is told')
    .addHelpText('after', examples('parley reject 7', 'parley reject 7 --reason "Not on a Friday"'))
    .action(async (number: number, options: RejectOptions) =>
      (await import('../approvals.ts')).reject(number, options),
    );
}
