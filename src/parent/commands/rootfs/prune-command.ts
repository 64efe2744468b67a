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
    const { emptyCache } = await import('./kept/cached-images.js');
    const { notedRoots } = await import('./kept/root-record.js');
    const { readableSize } = await import('./readable-size.js');
    const { removeUnfinished } = await import('./unfinished.js');
    for (const folder of new Set(notedRoots().map(({ path }) => dirname(path))))
      await removeUnfinished(folder);
    const { count, size } = emptyCache();
    inform(`Removed ${count} ${count === 1 ? 'blob' : 'blobs'}, ${readableSize(size)}.\n`);
    return 0;
  },
};
