/** `gontainer rootfs create`: a small root file system from what the host has, offline. */
import { Failure } from '../../../../common/failure.js';
import { diskUse } from '../../../images/kept/disk-use.js';
import { buildBeside, openToAll } from '../../../images/staging.js';
import { findStaticBusybox, installBusybox } from './busybox.js';
import { addPrograms, installHostCommands } from './host-commands.js';
import { makeSkeleton } from './skeleton.js';

/** What the commands are taken from. */
export type Origin = 'busybox' | 'host';

export interface Created {
  readonly origin: Origin;
  /** For example `/bin/busybox (static)` or `the host's own commands`. */
  readonly description: string;
  readonly commands: number;
  /** Bytes of all files. */
  readonly size: number;
}

/**
 * Makes a root file system at `directory`, as whichever user asks.
 * @param from forces the origin; without it busybox is taken where a static one is installed, else the host's commands
 * @param add further programs of the host, by name or path
 * @throws Failure (status 2) when the folder is taken or the host has no such program, (status 125) when the host lacks what is needed
 */
export function createRootfs(
  directory: string,
  from?: Origin,
  add: readonly string[] = [],
): Promise<Created> {
  const busybox = from === 'host' ? undefined : findStaticBusybox();
  if (from === 'busybox' && busybox === undefined) {
    throw new Failure('No static busybox is installed.', {
      next: 'Install the package busybox-static, or use --from host.',
    });
  }
  return buildBeside(directory, async (staging) => {
    await makeSkeleton(staging.directory);
    const commands =
      busybox === undefined
        ? await installHostCommands(staging.directory)
        : await installBusybox(busybox, staging.directory);
    const added = add.length === 0 ? 0 : await addPrograms(add, staging.directory);
    await openToAll(staging.directory);
    return {
      origin: busybox === undefined ? 'host' : 'busybox',
      description: busybox === undefined ? "the host's own commands and libraries" : `${busybox} (static)`,
      commands: commands + added,
      size: diskUse(staging.directory),
    };
  });
}
