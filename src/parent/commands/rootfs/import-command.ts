import { usageFailure } from '../../../common/failure.js';
import type { Subcommand } from '../../command-line/subcommand.js';
import { imageOptions, readImageOptions } from './image-options.js';

export const importCommand: Subcommand = {
  name: 'rootfs import',
  summary: 'make a root file system from an archive, docker save, or an OCI image layout',
  positionals: [
    { name: 'SOURCE', describe: 'a tar archive (also .gz, .xz, .zst), an image, or - for standard input' },
    { name: 'DIR', describe: 'the folder to make; it must not exist, or be empty' },
  ],
  options: [
    ...imageOptions,
    {
      name: 'image',
      kind: 'text',
      value: 'NAME',
      describe: 'which image, where the archive holds several',
      group: 'Root file system',
    },
  ],
  examples: [
    ['gontainer rootfs import rootfs.tar.xz ./root', 'from an archive'],
    ['docker export NAME | gontainer rootfs import - ./root', 'from a Docker container'],
    ['docker save IMAGE | gontainer rootfs import - ./root', 'from a Docker image'],
  ],
  async run({ options, positionals }) {
    if (options['map-auto'] === true) return (await import('../../images/own-users.js')).runAgainMapped();
    const { SOURCE: source = '', DIR: directory = '' } = positionals;
    if (source === '' || directory === '') {
      throw usageFailure(
        'rootfs import needs SOURCE and DIR.',
        'Try: gontainer rootfs import rootfs.tar ./root',
      );
    }
    const { importRootfs } = await import('../../images/import.js');
    const { Progress } = await import('../../images/progress-line.js');
    const { noteRoot, reportMade } = await import('./report-made.js');
    const progress = new Progress();
    const request = { ...readImageOptions(options), source, directory, progress };
    const image = typeof options.image === 'string' ? options.image : undefined;
    const made = await importRootfs({ ...request, image }).finally(() => progress.end());
    if (options.quiet !== true) reportMade(directory, made.description, made.tally);
    noteRoot(directory, made.description, made.image);
    return 0;
  },
};
