import { type Option, takesWord } from '../../src/parent/command-line/option.js';
import type { Positional, Subcommand } from '../../src/parent/command-line/subcommand.js';
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

/** The command substitution that gives the candidates. */
function candidates(completion: Completion): string {
  if (Array.isArray(completion)) return single(completion.join(' '));
  return single(
    {
      directory: '(__fish_complete_directories (__gontainer_value))',
      file: '(__fish_complete_path (__gontainer_value))',
      container: `(${listContainers('gontainer')})`,
      command: '(__gontainer_command_line)',
      none: '',
    }[completion as string] as string,
  );
}

/** A script for fish that completes gontainer's command line: complete(1) of fish. */
export function fishCompletion(commands: readonly Subcommand[], known: Known): string {
  const option = (command: Subcommand, one: Option): string => {
    const { name, alias, describe } = one;
    // A single letter is old-style too: short ones could be grouped, as in -hv.
    const spellings = [name, ...(alias === undefined ? [] : [alias])].map((word) => `-o ${word} -l ${word}`);
    const value = takesWord(one) ? ` -x -a ${candidates(valueCompletion(one))}` : '';
    return `complete -c gontainer -n '__gontainer_is ${command.name.replace(' ', '-')}' ${spellings.join(' ')}${value} -d ${single(describe)}`;
  };
  const positional = (command: Subcommand, word: Positional, index: number): string => {
    const rest = word.takes === 'rest' ? '-' : '';
    const from = `'__gontainer_at ${command.name.replace(' ', '-')} ${index + 1}${rest}'`;
    return `complete -c gontainer -n ${from} -a ${candidates(wordCompletion(word, command, known))} -d ${single(word.describe)}`;
  };
  const valued = (command: Subcommand): string =>
    optionsOf(command)
      .filter(takesWord)
      .map(({ name }) => name)
      .join(' ');
  const families = firstWords(commands).filter((word) => secondWords(commands, word).length > 0);
  const rest = commands.flatMap(({ name, positionals }) => {
    const index = positionals.findIndex(({ takes }) => takes === 'rest');
    return index < 0
      ? []
      : [`        case ${name.replace(' ', '-')}\n            set first_of_rest ${index + 1}`];
  });
  return `# fish completion for gontainer, made from its table of options.
# Install it with: gontainer completion fish > ~/.config/fish/completions/gontainer.fish

# The options of a command that take a value.
function __gontainer_valued
    switch $argv[1]
${commands
  .filter((command) => valued(command) !== '')
  .map(
    (command) =>
      `        case ${command.name.replace(' ', '-')}\n            string split ' ' -- ${single(valued(command))}`,
  )
  .join('\n')}
    end
end

# Prints the command of the line, how many words of its own come before the cursor, and where its last ones begin.
function __gontainer_line
    set -l tokens (commandline -opc)
    set -l command
    set -l words 0
    set -l rest_at 0
    set -l wanted 0
    set -l index 1
    set -l ahead
    for token in $tokens[2..-1]
        test "$token" = --; and break
        set -a ahead $token
    end
    string match -qr -- '^--?run$' $ahead; and set command run
    for token in $tokens[2..-1]
        set index (math $index + 1)
        if test $rest_at -gt 0
            continue
        else if test "$token" = --
            test -z "$command"; and set command run
            set rest_at (math $index + 1)
        else if test $wanted -eq 1
            set wanted 0
        else if string match -qr -- '^--?run$' $token
            continue
        else if string match -q -- '-*' $token
            test -z "$command"; and set command run
            contains -- (string replace -r -- '^--?' '' $token) (__gontainer_valued $command); and set wanted 1
        else if test -z "$command"
            set command $token
        else if contains -- $command ${families.join(' ')}
            set command $command-$token
        else
            set words (math $words + 1)
            set -l first_of_rest 0
            switch $command
${rest.map((text) => text.replace(/^/gm, '        ')).join('\n')}
            end
            test $first_of_rest -gt 0 -a $words -ge $first_of_rest; and set rest_at $index
        end
    end
    printf '%s\\n' "$command" $words $rest_at
end

function __gontainer_is
    set -l line (__gontainer_line)
    test $line[3] -eq 0 -a "$line[1]" = "$argv[1]"; and return
    # Without a command it is run, as in: gontainer -uid -run
    test -z "$line[1]" -a "$argv[1]" = run; and string match -q -- '-*' (commandline -ct)
end

# Whether the cursor is at word number $argv[2] of the command; "2-" is the second and all that follow.
function __gontainer_at
    set -l line (__gontainer_line)
    test "$line[1]" = "$argv[1]"; or return
    # An option, as long as the container's command has not begun.
    test $line[3] -eq 0; and string match -q -- '-*' (commandline -ct); and return 1
    set -l word (math $line[2] + 1)
    switch $argv[2]
        case '*-'
            test $line[3] -gt 0 -o $word -ge (string trim -c - -- $argv[2])
        case '*'
            test $line[3] -eq 0 -a $word -eq $argv[2]
    end
end

# What stands after "=" in the word at the cursor, or all of it.
function __gontainer_value
    string replace -r -- '^--?[a-z][a-z0-9-]*=' '' (commandline -ct)
end

# The container's command: its name, or what its own completion knows.
function __gontainer_command_line
    set -l line (__gontainer_line)
    set -l tokens (commandline -opc) (commandline -ct)
    set -l from $line[3]
    test $from -eq 0; and set from (count $tokens)
    set -l line (string join ' ' -- (string escape -- $tokens[$from..-2]) $tokens[-1])
    complete "-C$line"
end

complete -c gontainer -f
complete -c gontainer -n '__gontainer_is ""' -a ${single(firstWords(commands).join(' '))}
complete -c gontainer -n '__gontainer_is ""; or __gontainer_is run' -o run -l run -d ${single(commands[0]?.summary ?? '')}
${families
  .map(
    (first) =>
      `complete -c gontainer -n '__gontainer_is ${first}' -a ${single(secondWords(commands, first).join(' '))}`,
  )
  .join('\n')}
${commands.flatMap((command) => [...optionsOf(command).map((each) => option(command, each)), ...command.positionals.map((word, index) => positional(command, word, index))]).join('\n')}
`;
}
