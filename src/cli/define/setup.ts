import { Argument, type Command } from 'commander';
import type { Shell } from '../completion.ts';
import type { SpoolOptions } from '../options.ts';
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
