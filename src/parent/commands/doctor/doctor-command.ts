import type { Subcommand } from '../../command-line/subcommand.js';

export const doctorCommand: Subcommand = {
  name: 'doctor',
  summary: 'check whether this machine can make containers, and say what to do where it cannot',
  positionals: [],
  options: [
    {
      name: 'json',
      kind: 'flag',
      describe: 'print JSON on a terminal too; elsewhere it is the default',
      group: 'Output',
    },
  ],
  examples: [['gontainer doctor', 'status 1 if a rootless container cannot work here']],
  async run({ options }) {
    const { examine } = await import('./examine.js');
    // Not isTerminal(): the doctor is to work where the C library is the wrong one.
    const { isatty } = await import('node:tty');
    return examine(options.json === true || !isatty(1) ? 'json' : 'text');
  },
};
