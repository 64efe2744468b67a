import { usageFailure } from '../../../common/failure.js';
import type { Subcommand } from '../../command-line/subcommand.js';

export const exportCommand: Subcommand = {
  name: 'rootfs export',
  summary: 'write a root file system as a tar archive',
  positionals: [
    { name: 'DIR', describe: 'the root file system' },
    { name: 'FILE', describe: 'the archive to write, or - for standard output' },
  ],
  options: [
    {
      name: 'map-auto',
      kind: 'flag',
      describe:
        'read what belongs to the IDs of run --map-auto too; this takes a user namespace with your subordinate IDs',
      group: 'Root file system',
    },
  ],
  examples: [
    ['gontainer rootfs export ./root root.tar', 'owners are those of the container'],
    ['gontainer rootfs export ./root - | docker import - NAME', 'as a Docker image'],
  ],
  async run({ options, positionals }) {
    if (options['map-auto'] === true) return (await import('../../images/own-users.js')).runAgainMapped();
    const { DIR: directory = '', FILE: file = '' } = positionals;
    if (directory === '' || file === '') {
      throw usageFailure('rootfs export needs DIR and FILE.', 'Try: gontainer rootfs export ./root root.tar');
    }
    const { exportRoot } = await import('./export.js');
    await exportRoot(directory, file);
    return 0;
  },
};
