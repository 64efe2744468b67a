import { type Option, takesWord } from '../../src/parent/command-line/option.js';
import type { Subcommand } from '../../src/parent/command-line/subcommand.js';
import {
  type Completion,
  firstWords,
  type Known,
  listContainers,
  optionsOf,
  secondWords,
  single,
  valueCompletion,
  wordCompletion,
} from './completion-words.js';

/** The action of an argument, as zshcompsys(1) has them under _arguments. */
function action(completion: Completion): string {
  if (Array.isArray(completion)) return `(${completion.join(' ')})`;
  return {
    directory: '_directories',
    file: '_files',
    container: '_gontainer_containers',
    command: '_normal',
    none: ' ',
  }[completion as string] as string;
}

/** Text inside the brackets of a specification. */
const explained = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&');

function specifications(option: Option): string[] {
  const { name, alias, kind, value, describe } = option;
  const spellings = [name, ...(alias === undefined ? [] : [alias])].flatMap((word) => [
    `-${word}`,
    `--${word}`,
  ]);
  const others = kind === 'list' ? '*' : `(${spellings.join(' ')})`;
  const given = !takesWord(option) ? '' : `:${explained(value ?? ' ')}:${action(valueCompletion(option))}`;
  return spellings.map((word) =>
    single(`${others}${word}${takesWord(option) ? '=' : ''}[${explained(describe)}]${given}`),
  );
}

/** A function for zsh that completes gontainer's command line. */
export function zshCompletion(commands: readonly Subcommand[], known: Known): string {
  const branch = (command: Subcommand): string => {
    const words = command.positionals.map((positional, index) => {
      const { name, takes } = positional;
      const how = action(wordCompletion(positional, command, known));
      return takes === 'rest'
        ? single(`*::${name}:${how}`)
        : single(`${index + 1}${takes === 'optional' ? '::' : ':'}${name}:${how}`);
    });
    const lines = [...optionsOf(command).flatMap(specifications), ...words];
    return `    ${single(command.name)})
      _arguments -S ${command.name === 'run' ? `'(-run --run)'{-run,--run}'[${explained(command.summary)}]' ` : ''}\\
        ${lines.join(' \\\n        ')}
      ;;`;
  };
  const described = (word: string): string => {
    const command = commands.find(({ name }) => name === word);
    return single(`${word}:${command?.summary ?? secondWords(commands, word).join(', ')}`);
  };
  const families = firstWords(commands).filter((word) => secondWords(commands, word).length > 0);
  return `#compdef gontainer
# zsh completion for gontainer, made from its table of options.
# Install it with: gontainer completion zsh > FOLDER/_gontainer, in a folder that is in $fpath

_gontainer_containers() {
  local -a names
  names=(\${(f)"$(${listContainers('$gontainer')})"})
  _describe container names
}

_gontainer() {
  local gontainer=$words[1] command
  local -a names
  if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then
    names=(${firstWords(commands).map(described).join(' ')})
    _describe command names
    return
  fi
  if [[ $words[2] = -* ]]; then
    command=run
  else
    command=$words[2]
    shift words
    ((CURRENT--))
  fi
  case $command in
${families
  .map(
    (first) => `    ${first})
      if ((CURRENT == 2)); then
        names=(${commands
          .filter(({ name }) => name.startsWith(`${first} `))
          .map(({ name, summary }) => single(`${name.slice(first.length + 1)}:${summary}`))
          .join(' ')})
        _describe command names
        return
      fi
      command="$command $words[2]"
      shift words
      ((CURRENT--))
      ;;`,
  )
  .join('\n')}
  esac
  case $command in
${commands.map(branch).join('\n')}
  esac
}

if [[ $funcstack[1] = _gontainer ]]; then
  _gontainer "$@"
else
  compdef _gontainer gontainer
fi
`;
}
