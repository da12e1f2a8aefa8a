import type { CommandShape, OptionShape } from './shape.ts';

/** A zsh script that completes commands, options and what options may be, with what each is for. */
export function zshCompletion(shapes: readonly CommandShape[]): string {
  return `#compdef parley
# Completes parley in zsh. Made by: parley completion zsh
_parley() {
  local trail='' word
  local -a candidates
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$trail $word" in
      ${shapes
        .filter(({ words }) => words.length > 0)
        .map(({ words }) => pattern(words))
        .join(' | ')}) trail="$trail $word" ;;
    esac
  done
  case "$trail \${words[CURRENT-1]}" in
${shapes.flatMap(({ words, options }) => options.flatMap((option) => valueCase(words, option))).join('\n')}
  esac
  case "$trail" in
${shapes.map(({ words, ...shape }) => `    ${pattern(words)}) candidates=(${candidatesOf(shape).join(' ')}) ;;`).join('\n')}
  esac
  _describe 'parley' candidates
}
if [ "$funcstack[1]" = _parley ]; then _parley "$@"; else compdef _parley parley; fi`;
}

/** The words as the script joins them: each with a space before it. */
const pattern = (words: readonly string[]): string => `'${words.map((word) => ` ${word}`).join('')}'`;

function valueCase(words: readonly string[], { flags, takes }: OptionShape): string[] {
  if (takes === 'nothing') return [];
  const places = flags.map((flag) => pattern([...words, flag])).join(' | ');
  if (takes === 'text') return [`    ${places}) return ;;`];
  return [`    ${places}) ${takes === 'path' ? '_files' : `compadd -- ${takes.join(' ')}`}; return ;;`];
}

function candidatesOf({ subcommands, options, choices }: Omit<CommandShape, 'words'>): string[] {
  return [
    ...subcommands.map(({ name, summary }) => candidate(name, summary)),
    ...choices.map((choice) => candidate(choice, '')),
    ...options.flatMap(({ flags, summary }) => flags.map((flag) => candidate(flag, summary))),
  ];
}

const candidate = (name: string, summary: string): string => `'${`${name}:${summary}`.replaceAll("'", "'\\''")}'`;
