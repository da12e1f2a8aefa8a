import { Argument, type Command, Option } from 'commander';
import { PLATFORMS } from '../../daemon/config/config.ts';
import { positive } from '../arguments.ts';
import type { Shell } from '../completion.ts';
import type { SpoolOptions } from '../options.ts';
import type { PairOptions } from '../pair.ts';
import type { RouteOptions } from '../route.ts';
import { examples } from './examples.ts';

/** The commands that help with setting Parley up. */
export function defineSetupCommands(parley: Command): void {
  const config = parley
    .command('config')
    .description('The configuration.')
    .addHelpText('after', examples('parley config validate'));
  config
    .command('validate')
    .description('Check .env, parley.json5 and the environment as `parley start` does, without starting anything.')
    .addHelpText('after', examples('parley config validate', 'parley config validate --project-root deploy'))
    .action(async (options: SpoolOptions) => (await import('../config.ts')).validateConfig(options));

  parley
    .command('route')
    .description('Which agents would handle a message, and why. Exits with 1 when there is none.')
    .addArgument(new Argument('<channel>', 'where it is said').choices(PLATFORMS))
    .argument('<peer>', 'who says it: the number of a person, or the id or name of a group')
    .option('--account <agent>', 'the agent whose number or contact it is said to (default: the first)')
    .addOption(new Option('--group', 'the peer is a group').conflicts('dm'))
    .option('--dm', 'the peer is a person')
    .option('--text <text>', 'what is said: it may name agents, or fit the rules of a panel')
    .addHelpText(
      'after',
      examples(
        'parley route local +15550100',
        'parley route whatsapp "Development Team" --text "@alfred Is it done?"',
        'parley route whatsapp 120363403215116621@g.us --json',
      ),
    )
    .action(async (channel: (typeof PLATFORMS)[number], peer: string, options: RouteOptions) =>
      (await import('../route.ts')).route(channel, peer, options),
    );

  parley
    .command('pair [agent]')
    .description('Link the WhatsApp account of an agent with a phone, by QR code or by a code that is typed in.')
    .option('--png <path>', 'put the QR code into this file, too; it is removed afterwards')
    .addOption(new Option('--code', 'show a code to type into the phone instead').conflicts('png'))
    .addOption(new Option('--phone <number>', 'the phone for --code (default: AGENT_PHONE)').implies({ code: true }))
    .option('--force', 'forget the phone that it is linked with, if there is one')
    .option('--timeout <seconds>', 'give up after this long (default: never)', positive('--timeout', 'seconds', 86_400))
    .addHelpText(
      'after',
      examples(
        'parley pair',
        'parley pair nova_001 --png qr.png',
        'parley pair atlas_001 --phone +15550101',
        'parley pair --json --timeout 120',
      ),
    )
    .action(async (agent: string | undefined, options: PairOptions) =>
      (await import('../pair.ts')).pair(agent, options),
    );

  parley
    .command('completion')
    .description('Print a script that completes commands and options in your shell.')
    .addArgument(new Argument('<shell>', 'your shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      examples(
        'source <(parley completion bash)',
        'parley completion zsh > ~/.zsh/completions/_parley',
        'parley completion fish > ~/.config/fish/completions/parley.fish',
      ),
    )
    .action(async (shell: Shell) => (await import('../completion.ts')).completion(shell, parley));
}
