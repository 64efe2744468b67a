import { usageFailure } from '../../../common/failure.js';
import { inform } from '../../../common/print.js';
import type { Subcommand } from '../../command-line/subcommand.js';

const origins = ['busybox', 'host'] as const;

export const createCommand: Subcommand = {
  name: 'rootfs create',
  summary: 'make a small root file system from what this machine has',
  positionals: [{ name: 'DIR', describe: 'the folder to make; it must not exist, or be empty' }],
  options: [
    {
      name: 'from',
      kind: 'text',
      value: 'ORIGIN',
      choices: origins,
      describe: "a static busybox, or the host's own commands; without it busybox if it is installed",
      group: 'Root file system',
    },
    {
      name: 'add',
      kind: 'list',
      value: 'PROGRAM',
      describe: 'add a program of the host with its libraries, for example python3 or strace; repeatable',
      group: 'Root file system',
    },
  ],
  examples: [['gontainer rootfs create ./root', 'then: gontainer run --uid --mnt ./root']],
  async run({ options, positionals }) {
    const from = origins.find((origin) => origin === options.from);
    if (options.from !== undefined && from === undefined) {
      throw usageFailure(`--from cannot be ${options.from}.`, `Use one of: ${origins.join(', ')}.`);
    }
    const directory = positionals.DIR ?? '';
    if (directory === '')
      throw usageFailure('rootfs create needs DIR.', 'Try: gontainer rootfs create ./root');
    const { createRootfs } = await import('./create/create.js');
    const { nextCommand } = await import('./next-command.js');
    const { readableSize } = await import('../../../common/readable-size.js');
    const add = Array.isArray(options.add) ? options.add : [];
    const { noteRoot } = await import('./report-made.js');
    const made = await createRootfs(directory, from, add);
    inform(
      `Made ${directory}: ${made.commands} commands, ${readableSize(made.size)}, from ${made.description}.\n` +
        nextCommand(directory),
    );
    noteRoot(directory, made.description);
    return 0;
  },
};
