import type { Subcommand } from '../../command-line/subcommand.js';

export const listCommand: Subcommand = {
  name: 'rootfs list',
  summary: 'list the root file systems that were made, and the images in the cache',
  positionals: [],
  options: [
    { name: 'json', kind: 'flag', describe: 'print JSON instead of tables', group: 'Root file system' },
  ],
  examples: [['gontainer rootfs list', 'with size and age']],
  async run({ options }) {
    const { list } = await import('./list.js');
    return list(options.json === true);
  },
};
