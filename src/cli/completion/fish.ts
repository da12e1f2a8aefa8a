import type { CommandShape, OptionShape } from './shape.ts';

/** A fish script that completes commands, options and what options may be, with what each is for. */
export function fishCompletion(shapes: readonly CommandShape[]): string {
  return [
    '# Completes parley in fish. Made by: parley completion fish',
    'complete -c parley -f',
    ...shapes.flatMap(({ words, subcommands, options, choices }) => {
      const here = `complete -c parley -n ${quote(condition(words, subcommands))}`;
      return [
        ...subcommands.map(({ name, summary }) => `${here} -a ${name} -d ${quote(summary)}`),
        ...choices.map((choice) => `${here} -a ${choice}`),
        ...options.map((option) => `${here} ${describe(option)}`),
      ];
    }),
  ].join('\n');
}

/** Whether the words lead here, and none of the subcommands has been given. */
function condition(words: readonly string[], subcommands: CommandShape['subcommands']): string {
  const names = subcommands.map(({ name }) => name).join(' ');
  return [
    ...words.map((word) => `__fish_seen_subcommand_from ${word}`),
    ...(names === '' ? [] : [`not __fish_seen_subcommand_from ${names}`]),
  ].join('; and ');
}

function describe({ flags, summary, takes }: OptionShape): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
  return `${names}${valuesOf(takes)} -d ${quote(summary)}`;
}

function valuesOf(takes: OptionShape['takes']): string {
  if (takes === 'nothing') return '';
  if (takes === 'path') return ' -r -F';
  return takes === 'text' ? ' -x' : ` -x -a ${quote(takes.join(' '))}`;
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
