import { counted } from '../../../common/counted.js';
import { inform } from '../../../common/print.js';
import type { Subcommand } from '../../command-line/subcommand.js';

export const pruneCommand: Subcommand = {
  name: 'rootfs prune',
  summary:
    'empty the cache of images, and remove what run --image unpacked and what killed runs left; other root file systems stay',
  positionals: [],
  options: [],
  examples: [['gontainer rootfs prune', 'the next pull fetches everything again']],
  async run() {
    const { dirname } = await import('node:path');
    const { emptyCache } = await import('../../images/kept/cached-images.js');
    const { notedRoots } = await import('../../images/kept/root-record.js');
    const { readableSize } = await import('../../../common/readable-size.js');
    const { removeUnfinished } = await import('../../images/unfinished.js');
    const { copiesFolder } = await import('../../images/kept/image-copies.js');
    const { removeCopies } = await import('../../images/kept/remove-root.js');
    const { removed, used } = await removeCopies();
    const copies = copiesFolder();
    const folders = [...notedRoots().map(({ path }) => dirname(path)), ...(copies ? [copies] : [])];
    for (const folder of new Set(folders)) await removeUnfinished(folder);
    const { count, size } = emptyCache();
    const blobs = `${counted(count, 'blob')}, ${readableSize(size)}`;
    const unpacked = removed === 0 ? '' : `, and ${counted(removed, 'unpacked image')}`;
    inform(`Removed ${blobs}${unpacked}.\n`);
    if (used > 0) inform(`Containers run in ${counted(used, 'unpacked image')}.\n`);
    return 0;
  },
};
