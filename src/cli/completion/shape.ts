import type { Command, Option } from 'commander';

export interface OptionShape {
  /** `-s`, `--subject`. */
  readonly flags: readonly string[];
  readonly summary: string;
  readonly takes: 'nothing' | 'path' | 'text' | readonly string[];
}

/** What may stand at one place of the command line. */
export interface CommandShape {
  /** The words that lead here: none, `send`, or `dlq list`. */
  readonly words: readonly string[];
  readonly subcommands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly OptionShape[];
  /** What its first argument may be, when there are few. */
  readonly choices: readonly string[];
}

/** The command line and everything below it; a command with two names is there twice. */
export function shapeOf(command: Command, words: readonly string[] = []): CommandShape[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command);
  const shape: CommandShape = {
    words,
    subcommands: below.flatMap((sub) => namesOf(sub).map((name) => ({ name, summary: sentence(sub.description()) }))),
    options: help.visibleOptions(command).map(optionShape),
    choices: command.registeredArguments[0]?.argChoices ?? [],
  };
  return [
    shape,
    ...below.flatMap((sub) =>
      // Help completes to the commands that it knows, like the top; it has no options of its own.
      sub.name() === 'help' ? [] : namesOf(sub).flatMap((name) => shapeOf(sub, [...words, name])),
    ),
  ];
}

const namesOf = (command: Command): string[] => [command.name(), ...command.aliases()];

/** The first sentence, without its full stop. */
const sentence = (text: string): string => text.split(/[.;:](?:\s|$)/)[0] ?? text;

function optionShape({ short, long, description, argChoices, flags }: Option): OptionShape {
  const takesValue = /[<[]/.test(flags);
  const value = flags.includes('<path>') ? 'path' : 'text';
  return {
    flags: [short, long].filter((flag) => flag !== undefined && flag !== null),
    summary: sentence(description),
    takes: takesValue ? (argChoices ?? value) : 'nothing',
  };
}
