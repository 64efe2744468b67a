/** gontainer(1), in the macros of man(7), from the same table of commands and options as the help. */

import type { Option } from '../src/parent/command-line/option.js';
import { globalOptions } from '../src/parent/command-line/read-line.js';
import type { Positional, Subcommand } from '../src/parent/command-line/subcommand.js';

/** Text for roff: a minus that can be copied, and no line that reads as a request. */
const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
/** The argument of a macro. */
const quoted = (text: string): string => `"${escaped(text).replaceAll('"', '\\(dq')}"`;
const bold = (text: string): string => `\\fB${escaped(text)}\\fR`;
const italic = (text: string): string => `\\fI${escaped(text)}\\fR`;
const item = (tag: string, text: string): string => `.TP\n${tag}\n${escaped(text)}.`;

function optionItem({ name, alias, value, alone, choices, describe }: Option): string {
  const spellings = [name, ...(alias === undefined ? [] : [alias])].map((word) =>
    bold(`${word.length === 1 ? '-' : '--'}${word}`),
  );
  const given = value === undefined ? '' : alone === undefined ? `=${italic(value)}` : `[=${italic(value)}]`;
  const which = choices === undefined ? '' : `; one of ${choices.join(', ')}`;
  return item(spellings.join(', ') + given, `${describe}${which}`);
}

const word = ({ name, takes }: Positional): string =>
  takes === 'rest'
    ? name === 'COMMAND'
      ? `[${bold('--')} ${italic(name)} [${italic('ARG')}...]]`
      : `${italic(name)}...`
    : takes === 'optional'
      ? `[${italic(name)}]`
      : italic(name);

const synopsis = ({ name, options, positionals }: Subcommand): string =>
  [
    bold(`gontainer ${name}`),
    ...(options.length > 0 ? [`[${italic('OPTION')}...]`] : []),
    ...positionals.map(word),
  ].join(' ');

function optionsOf({ name, summary, options, positionals }: Subcommand): string[] {
  const groups = [...new Set(options.map(({ group }) => group))];
  return [
    `.SS gontainer ${escaped(name)}`,
    `${escaped(summary[0]?.toUpperCase() + summary.slice(1))}.`,
    ...positionals.map((positional) => item(italic(positional.name), positional.describe)),
    ...groups.flatMap((group) => [
      '.PP',
      `${escaped(group)}:`,
      ...options.filter((option) => option.group === group).map(optionItem),
    ]),
  ];
}

const statuses: readonly (readonly [string, string])[] = [
  ['0\\-255', "the command's own exit status"],
  ['128+N', 'signal N ended the command'],
  ['127', 'there is no such command in the container'],
  ['126', 'the command cannot be executed'],
  ['125', 'the launch failed; the sentence on standard error says at which step and what to do'],
  ['2', 'the command line is wrong; nothing was started'],
];

const files: readonly (readonly [string, string])[] = [
  ['$XDG_RUNTIME_DIR/gontainer', 'the running containers, one file each; else below /run/user or TMPDIR'],
  ['$XDG_STATE_HOME/gontainer/lessons.json', 'how far a learner has come; else below ~/.local/state'],
  ['$XDG_CACHE_HOME/gontainer', 'what rootfs pull has fetched; else below ~/.cache'],
  ['/etc/subuid, /etc/subgid', 'the subordinate IDs that --map-auto maps'],
];

const variables: readonly (readonly [string, string])[] = [
  ['PATH', 'where the command is looked for, without a new root'],
  ['TERM', 'kept inside; dumb means no colours'],
  ['NO_COLOR', 'no colours, when it is set and not empty'],
  ['XDG_RUNTIME_DIR, XDG_STATE_HOME, XDG_CACHE_HOME, TMPDIR', 'where the files above are'],
];

const pages = [
  'bwrap(1)',
  'lsns(1)',
  'nsenter(1)',
  'unshare(1)',
  'clone(2)',
  'pivot_root(2)',
  'setns(2)',
  'unshare(2)',
].concat(['capabilities(7)', 'namespaces(7)', 'user_namespaces(7)']);

/** @param date YYYY-MM-DD */
export function manPage(commands: readonly Subcommand[], version: string, date: string): string {
  const lines = [
    `.TH GONTAINER 1 ${date} ${quoted(`gontainer ${version}`)} "User Commands"`,
    '.SH NAME',
    'gontainer \\- run a command in Linux namespaces and show every step',
    '.SH SYNOPSIS',
    `${bold('gontainer run')} ${italic('NAMESPACES')} [${italic('OPTION')}...] [${bold('--')} ${italic('COMMAND')} [${italic('ARG')}...]]`,
    ...commands.flatMap((command) => ['.br', synopsis(command)]),
    '.SH DESCRIPTION',
    'A container is only namespaces. Gontainer gives an ordinary user a root shell in the namespaces chosen, and logs each',
    'step: the kernel calls, why they are made, what one would type in a shell, and what changed.',
    '.PP',
    'Options take one dash or two; a value follows after = or a blank.',
    `${bold('-run')} is the same as the subcommand ${bold('run')}, and may stand anywhere before the container's command.`,
    'Standard output belongs to the command alone; banner, log and errors go to standard error.',
    '.SH COMMANDS',
    ...commands.map(({ name, summary }) => item(bold(name), summary)),
    '.SH OPTIONS',
    'Every subcommand has these:',
    ...globalOptions.map(optionItem),
    ...commands.flatMap(optionsOf),
    '.SH EXIT STATUS',
    ...statuses.map(([status, text]) => item(`\\fB${status}\\fR`, text)),
    '.SH ENVIRONMENT',
    ...variables.map(([name, text]) => item(bold(name), text)),
    '.SH FILES',
    ...files.map(([name, text]) => item(italic(name), text)),
    '.SH EXAMPLES',
    ...commands
      .flatMap(({ examples }) => examples)
      .flatMap(([line, text]) => [
        `${escaped(text[0]?.toUpperCase() + text.slice(1))}:`,
        ...['.RS 4', bold(line), '.RE', '.PP'],
      ])
      .slice(0, -1),
    '.SH SEE ALSO',
    ...pages.map((page, index) => {
      const [, name, section] = /^(.+)\((\d)\)$/.exec(page) as unknown as [string, string, string];
      return `.BR ${escaped(name)} (${section})${index < pages.length - 1 ? ' ,' : ''}`;
    }),
  ];
  return `${lines.join('\n').replace(/[…“”’]/g, (mark) => ({ '…': '...', '“': '\\(lq', '”': '\\(rq', '’': '\\(cq' })[mark] as string)}\n`;
}
