import { namespaces } from '../../../common/namespaces.js';
import type { Option } from '../../command-line/option.js';
import type { Subcommand } from '../../command-line/subcommand.js';
import { logOptionRows, quietOption } from '../../log/log-options.js';
import { environmentOptions } from '../../spec/environment.js';

export const enterCommand: Subcommand = {
  name: 'enter',
  summary: 'run a command, or a shell, in a running container',
  positionals: [
    { name: 'NAME', describe: 'a container or a process ID' },
    { name: 'COMMAND', describe: 'what to run instead of /bin/sh', takes: 'rest' },
  ],
  options: [
    ...namespaces.map(
      ({ flag, name }): Option => ({
        name: flag,
        kind: 'flag',
        describe: `join the ${name} namespace${flag === 'mnt' ? ', with its root and working directory' : ''}`,
        group: 'Namespaces (by default all that differ from yours)',
      }),
    ),
    ...environmentOptions,
    ...logOptionRows.filter(({ name }) => name !== 'log-fd'),
    quietOption,
  ],
  examples: [
    ['gontainer enter box', 'one more shell in the container box'],
    ['gontainer enter box --net -- ip address', 'only its network, with the programs of the host'],
  ],
  run: async (values) => (await import('./enter-container.js')).enter(values),
};
