/** The options that `rootfs import` and `rootfs pull` share. */
import { usageFailure } from '../../../common/failure.js';
import { parseSize, readableSize } from '../../../common/readable-size.js';
import type { Option } from '../../command-line/option.js';
import type { Values } from '../../command-line/subcommand.js';
import { defaultLimits, type Limits } from '../../images/archive/limits.js';
import { hostPlatform, type Platform, parsePlatform } from '../../images/image/platform.js';

const group = 'Root file system';

export const imageOptions: readonly Option[] = [
  {
    name: 'platform',
    kind: 'text',
    value: 'OS/ARCH',
    describe: 'take the image for this kind of machine, for example linux/arm64 (default: this one)',
    group,
  },
  {
    name: 'keep-privileges',
    kind: 'flag',
    describe:
      'keep set-user-ID bits and file capabilities; where others could use them, DIR is closed to others',
    group,
  },
  {
    name: 'map-auto',
    kind: 'flag',
    describe:
      'keep owners, as IDs that run --map-auto maps; this takes a user namespace with your subordinate IDs',
    group,
  },
  {
    name: 'max-size',
    kind: 'text',
    value: 'SIZE',
    describe: `stop when it unpacks to more (default: ${readableSize(defaultLimits.size)})`,
    group,
  },
  {
    name: 'max-entries',
    kind: 'number',
    value: 'COUNT',
    describe: `stop when it has more entries (default: ${defaultLimits.entries})`,
    group,
  },
  { name: 'quiet', kind: 'flag', describe: 'print nothing but errors', group },
];

/** @throws Failure (status 2) if a value cannot be read */
export function readImageOptions(options: Values['options']): {
  platform: Platform;
  limits: Limits;
  keepPrivileges: boolean;
} {
  const { platform, 'max-size': size, 'max-entries': entries = defaultLimits.entries } = options;
  const bytes = size === undefined ? defaultLimits.size : parseSize(String(size));
  if (bytes === undefined) {
    throw usageFailure(`--max-size cannot be ${size}.`, 'Write a number with K, M, G or T, for example 20G.');
  }
  if (typeof entries !== 'number' || !Number.isSafeInteger(entries) || entries < 1) {
    throw usageFailure(`--max-entries cannot be ${entries}.`, 'Write a whole number.');
  }
  return {
    platform: platform === undefined ? hostPlatform() : parsePlatform(String(platform)),
    limits: { size: bytes, entries },
    keepPrivileges: options['keep-privileges'] === true,
  };
}
