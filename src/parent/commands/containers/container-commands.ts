/** The commands for a second terminal: looking at containers while they live. What they do is loaded when asked for. */
import type { Option } from '../../command-line/option.js';
import type { Positional, Subcommand, Values } from '../../command-line/subcommand.js';

const NAME: Positional = { name: 'NAME', describe: 'a container, or the beginning of its name' };
const json: Option = { name: 'json', kind: 'flag', describe: 'print JSON, for programs', group: 'Output' };
const nameOf = ({ positionals }: Values): string => positionals.NAME ?? '';

const psCommand: Subcommand = {
  name: 'ps',
  summary: 'list the containers that are running',
  positionals: [],
  options: [
    {
      name: 'ended',
      kind: 'flag',
      describe: 'list those that have ended instead, with their exit status: the last 50, for 24 hours',
      group: 'Output',
    },
    json,
  ],
  examples: [
    ['gontainer ps', 'their names, processes and namespaces'],
    ['gontainer ps --ended', 'how the last ones ended'],
  ],
  run: async ({ options }) => {
    const { ps, psEnded } = await import('./ps.js');
    return (options.ended === true ? psEnded : ps)(options.json === true);
  },
};

const nsCommand: Subcommand = {
  name: 'ns',
  summary: 'compare the namespaces of a container with your own',
  positionals: [
    { name: 'NAME', describe: 'a container or a process ID; all containers without it', takes: 'optional' },
  ],
  options: [json],
  examples: [
    ['gontainer ns', 'all containers side by side'],
    ['gontainer ns box', 'one of them'],
    ['gontainer ns 4711', 'any process of yours'],
  ],
  run: async (values) => (await import('./ns.js')).ns(values.positionals.NAME, values.options.json === true),
};

const statsCommand: Subcommand = {
  name: 'stats',
  summary: 'show what containers with limits use: memory, processor time, processes',
  positionals: [{ name: 'NAME', describe: 'a container; all of them without it', takes: 'optional' }],
  options: [
    json,
    {
      name: 'no-stream',
      kind: 'flag',
      describe: 'print it once; at a terminal it is shown anew every second',
      group: 'Output',
    },
  ],
  examples: [
    ['gontainer stats', 'all containers, until Ctrl-C'],
    ['gontainer stats --json box', 'one of them, for programs'],
  ],
  run: async ({ positionals, options }) => {
    const { stats } = await import('./stats.js');
    return stats(positionals.NAME, options.json === true, options['no-stream'] === true);
  },
};

const diffCommand: Subcommand = {
  name: 'diff',
  summary: 'list what a container has changed in its overlays',
  positionals: [{ name: 'NAME', describe: 'a container; not with --status', takes: 'optional' }],
  options: [
    json,
    {
      name: 'status',
      kind: 'text',
      value: 'FILE',
      describe: 'take the container whose --status-fd wrote FILE; - is standard input',
      group: 'Source',
    },
  ],
  examples: [
    ['gontainer diff box', 'A: added, C: changed, D: deleted'],
    ['gontainer diff --json box', 'for programs'],
  ],
  run: async ({ positionals, options }) => {
    const { diff } = await import('./diff.js');
    const { status } = options as { readonly status?: string };
    return diff(positionals.NAME, status, options.json === true);
  },
};

const killCommand: Subcommand = {
  name: 'kill',
  summary: 'send a signal to the command of a container',
  positionals: [
    NAME,
    {
      name: 'SIGNAL',
      describe: 'when it is left out --stop-signal of the container, or TERM',
      takes: 'optional',
    },
  ],
  options: [],
  examples: [['gontainer kill box KILL', 'end it, whatever it does']],
  run: async (values) => (await import('./kill.js')).kill(nameOf(values), values.positionals.SIGNAL),
};

const waitCommand: Subcommand = {
  name: 'wait',
  summary: 'wait until a container has ended, and print its exit status',
  positionals: [NAME],
  options: [],
  examples: [['gontainer wait box', 'exits with the status of box, even after box has ended']],
  run: async (values) => (await import('./wait.js')).wait(nameOf(values)),
};

const logsCommand: Subcommand = {
  name: 'logs',
  summary: 'print the log of a container (--log-file), or the output of a detached one',
  positionals: [NAME],
  options: [
    {
      name: 'output',
      kind: 'flag',
      describe: 'print what the command of a detached container wrote, also after it has ended',
      group: 'Output',
    },
  ],
  examples: [
    ['gontainer logs box', 'NDJSON, every level'],
    ['gontainer logs --output box', 'what its command wrote'],
  ],
  run: async (values) => {
    const { logs, output } = await import('./logs.js');
    return (values.options.output === true ? output : logs)(nameOf(values));
  },
};

export const containerCommands: readonly Subcommand[] = [
  psCommand,
  nsCommand,
  statsCommand,
  diffCommand,
  killCommand,
  waitCommand,
  logsCommand,
];
