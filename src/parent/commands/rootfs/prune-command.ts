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
    const blobs = `${count} ${count === 1 ? 'blob' : 'blobs'}, ${readableSize(size)}`;
    const unpacked = removed === 0 ? '' : `, and ${removed} unpacked ${removed === 1 ? 'image' : 'images'}`;
    inform(`Removed ${blobs}${unpacked}.\n`);
    if (used > 0) inform(`Containers run in ${used} unpacked ${used === 1 ? 'image' : 'images'}.\n`);
    return 0;
  },
};
