import type { CommandShape, OptionShape } from './shape.ts';

/** A bash script that completes commands, options and what options may be. */
export function bashCompletion(shapes: readonly CommandShape[]): string {
  return `# Completes parley in bash. Made by: parley completion bash
_parley() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" trail='' word candidates=''
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$trail $word" in
      ${shapes
        .filter(({ words }) => words.length > 0)
        .map(({ words }) => pattern(words))
        .join(' | ')}) trail="$trail $word" ;;
    esac
  done
  case "$trail $previous" in
${shapes.flatMap(({ words, options }) => options.flatMap((option) => valueCase(words, option))).join('\n')}
  esac
  case "$trail" in
${shapes.map(({ words, ...shape }) => `    ${pattern(words)}) candidates='${candidatesOf(shape)}' ;;`).join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
}
complete -F _parley parley`;
}

/** The words as the script joins them: each with a space before it. */
const pattern = (words: readonly string[]): string => `'${words.map((word) => ` ${word}`).join('')}'`;

function valueCase(words: readonly string[], { flags, takes }: OptionShape): string[] {
  if (takes === 'nothing') return [];
  const places = flags.map((flag) => pattern([...words, flag])).join(' | ');
  if (takes === 'text') return [`    ${places}) return ;;`];
  const generate = takes === 'path' ? 'compgen -f' : `compgen -W '${takes.join(' ')}'`;
  return [`    ${places}) mapfile -t COMPREPLY < <(${generate} -- "$current"); return ;;`];
}

function candidatesOf({ subcommands, options, choices }: Omit<CommandShape, 'words'>): string {
  return [...subcommands.map(({ name }) => name), ...choices, ...options.flatMap(({ flags }) => flags)].join(' ');
}
