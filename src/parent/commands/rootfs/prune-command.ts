import { inform } from '../../../common/print.js';
import type { Subcommand } from '../../command-line/subcommand.js';

export const pruneCommand: Subcommand = {
  name: 'rootfs prune',
  summary: 'empty the cache of images, and remove what killed runs left; root file systems stay',
  positionals: [],
  options: [],
  examples: [['gontainer rootfs prune', 'the next pull fetches everything anew']],
  async run() {
    const { dirname } = await import('node:path');
    const { emptyCache } = await import('../../images/kept/cached-images.js');
    const { notedRoots } = await import('../../images/kept/root-record.js');
    const { readableSize } = await import('../../images/readable-size.js');
    const { removeUnfinished } = await import('../../images/unfinished.js');
    for (const folder of new Set(notedRoots().map(({ path }) => dirname(path))))
      await removeUnfinished(folder);
    const { count, size } = emptyCache();
    inform(`Removed ${count} ${count === 1 ? 'blob' : 'blobs'}, ${readableSize(size)}.\n`);
    return 0;
  },
};
