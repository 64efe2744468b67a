/** `gontainer rootfs list`: the root file systems that were made, and the images in the cache. */
import { print } from '../../../common/print.js';
import { readableSize } from '../../../common/readable-size.js';
import { shownJson } from '../../../common/shown-text.js';
import { cachedImages, sizeOfImage } from '../../images/kept/cached-images.js';
import { diskUse } from '../../images/kept/disk-use.js';
import { notedRoots, readRecord } from '../../images/kept/root-record.js';
import { table } from '../../text/table.js';

export function list(json: boolean): number {
  const roots = notedRoots().map((root) => ({
    ...root,
    size: diskUse(root.path),
    image: readRecord(root.path)?.image,
  }));
  const images = cachedImages().map((image) => ({ ...image, size: sizeOfImage(image), blobs: undefined }));
  if (json) {
    print(shownJson(JSON.stringify({ roots, images }, null, 2)));
    return 0;
  }
  const now = Date.now();
  print(
    table(
      ['ROOT FILE SYSTEM', 'SIZE', 'MADE', 'FROM'],
      roots.map(({ path, size, made, from }) => [path, readableSize(size), age(made, now), from]),
    ),
  );
  print('');
  print(
    table(
      ['CACHED IMAGE', 'SIZE', 'PULLED', 'DIGEST'],
      images.map(({ name, size, pulled, digest }) => [name, readableSize(size), age(pulled, now), digest]),
    ),
  );
  return 0;
}

const units: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** `3 days ago`; empty where it is not known. */
function age(moment: string, now: number): string {
  const seconds = (now - Date.parse(moment)) / 1000;
  if (!Number.isFinite(seconds)) return '';
  const words = new Intl.RelativeTimeFormat('en-GB');
  const [unit, length] = units.find(([, size]) => seconds >= size) ?? ['second', 1];
  return words.format(-Math.floor(Math.max(seconds, 0) / length), unit);
}
