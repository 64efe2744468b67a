import { usageFailure } from '../../../common/failure.js';
import type { Subcommand } from '../../command-line/subcommand.js';

export const removeCommand: Subcommand = {
  name: 'rootfs remove',
  summary: 'remove root file systems that gontainer rootfs made',
  positionals: [{ name: 'DIR', describe: 'the folders', takes: 'rest' }],
  options: [],
  examples: [['gontainer rootfs remove ./root', 'and its entry in the list']],
  async run({ rest }) {
    if (rest.length === 0) throw usageFailure('rootfs remove needs DIR.', 'See gontainer rootfs list.');
    const { removeRoot } = await import('../../images/kept/remove-root.js');
    for (const directory of rest) await removeRoot(directory);
    return 0;
  },
};
