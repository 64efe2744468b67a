import { takesWord } from '../../src/parent/command-line/option.js';
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

/** How bash makes the replies for the word that is in $cur. */
function replies(completion: Completion): string {
  if (Array.isArray(completion)) return `_gontainer_words ${single(completion.join(' '))}`;
  return {
    directory: '_gontainer_files -d',
    file: '_gontainer_files -f',
    container: '_gontainer_containers',
    command: '_gontainer_command',
    none: ':',
  }[completion as string] as string;
}

/** A function for bash that completes gontainer's command line: bash(1), Programmable Completion. */
export function bashCompletion(commands: readonly Subcommand[], known: Known): string {
  const names = single(firstWords(commands).join(' '));
  const families = firstWords(commands).filter((word) => secondWords(commands, word).length > 0);
  const branch = (command: Subcommand): string => {
    const options = optionsOf(command);
    const names = options.flatMap(({ name, alias }) => [name, ...(alias === undefined ? [] : [alias])]);
    const valued = options.filter(takesWord);
    const values = valued.map((option) => `        ${option.name}) ${replies(valueCompletion(option))} ;;`);
    const words = command.positionals.map((positional, index) => {
      const rest = positional.takes === 'rest';
      return `        ${rest ? '*' : index + 1}) ${replies(wordCompletion(positional, command, known))} ;;`;
    });
    return `    ${single(command.name)})
      options=${single(names.map((name) => (valued.some((option) => option.name === name) ? `${name}=` : name)).join(' '))}
      first_of_rest=${command.positionals.findIndex(({ takes }) => takes === 'rest') + 1}
      [[ $1 = value ]] && case $2 in
${values.join('\n')}
      esac
      [[ $1 = word ]] && case $2 in
${words.join('\n')}
      esac
      ;;`;
  };
  return `# bash completion for gontainer, made from its table of options.
# Install it with: gontainer completion bash > ~/.local/share/bash-completion/completions/gontainer

_gontainer_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }

_gontainer_files() {
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}

_gontainer_containers() { _gontainer_words "$(${listContainers('"$gontainer"')})"; }

# The container's command: its name, then files, or what its own completion knows.
_gontainer_command() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$rest_at"
  elif ((COMP_CWORD == rest_at)); then
    mapfile -t COMPREPLY < <(compgen -c -- "$cur")
  else
    _gontainer_files -f
  fi
}

# Completes the value of option $2, or the word number $2; sets what the command in $command has.
_gontainer_of() {
  case $command in
${commands.map(branch).join('\n')}
  esac
}

_gontainer() {
  local gontainer=\${COMP_WORDS[0]} cur=\${COMP_WORDS[COMP_CWORD]} command= options= first_of_rest=0 rest_at=0
  local word name previous= wanted= words=0 index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      --) break ;;
      -run | --run) command=run ;;
    esac
  done
  # Which option, and which word of the command, the cursor is at. "=" is a word of its own here: COMP_WORDBREAKS.
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if ((rest_at == 0)) && [[ $word = -- ]]; then
      [[ -z $command ]] && command=run
      rest_at=$((index + 1))
    elif ((rest_at > 0)); then
      :
    elif [[ $word = '=' ]]; then
      wanted=$previous
      continue
    elif [[ -n $wanted ]]; then
      wanted=
    elif [[ $word = -run || $word = --run ]]; then
      :
    elif [[ $word = -?* ]]; then
      name=\${word#-}
      name=\${name#-}
      [[ -z $command ]] && command=run
      _gontainer_of
      [[ " $options " = *" $name= "* && $name != *=* ]] && wanted=$name
    elif [[ -z $command || -n $previous && " ${families.join(' ')} " = *" $command "* ]]; then
      command="\${command:+$command }$word"
    else
      words=$((words + 1))
      _gontainer_of
      ((first_of_rest > 0 && words >= first_of_rest)) && rest_at=$index
    fi
    previous=\${name:-$word}
    name=
  done
  _gontainer_of

  if ((rest_at > 0)); then
    _gontainer_command
  elif [[ $cur = '=' ]]; then
    cur=
    _gontainer_of value "$previous"
  elif [[ -n $wanted ]]; then
    _gontainer_of value "$wanted"
  elif [[ $cur = -* ]]; then
    local dashes=-
    [[ $cur = --* ]] && dashes=--
    [[ -z $command ]] && command=run && _gontainer_of && options="run $options"
    mapfile -t COMPREPLY < <(compgen -P "$dashes" -W "$options" -- "\${cur#"$dashes"}")
    [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} = *= ]] && compopt -o nospace
  elif [[ -z $command ]]; then
    _gontainer_words ${names}
  else
    case $command in
${families.map((first) => `      ${first}) _gontainer_words ${single(secondWords(commands, first).join(' '))} ;;`).join('\n')}
      *)
        words=$((words + 1))
        ((first_of_rest > 0 && words >= first_of_rest)) && rest_at=$COMP_CWORD
        _gontainer_of word "$words"
        ;;
    esac
  fi
}

complete -F _gontainer gontainer
`;
}
