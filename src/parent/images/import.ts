/** `gontainer rootfs import`: a root file system from an archive or image that is already here. */

import { open as openDescriptor } from 'node:fs';
import { mkdir, open, rename, rmdir, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { promisify } from 'node:util';
import { counted } from '../../common/counted.js';
import { usageFailure } from '../../common/failure.js';
import { errnoWords } from '../../common/kernel/kernel-error.js';
import type { ImageDefaults } from '../spec/image-defaults.js';
import { decompress } from './archive/decompress.js';
import { bytesOf } from './archive/file-bytes.js';
import { Budget, type Limits } from './archive/limits.js';
import { Tally } from './archive/tally.js';
import { Tree } from './archive/tree.js';
import { unpack } from './archive/unpack.js';
import { applyLayers } from './image/image.js';
import { layoutKind, openLayout } from './image/image-layout.js';
import type { Platform } from './image/platform.js';
import { finishRoot, keepsPrivileges } from './privileges.js';
import type { Progress } from './progress-line.js';
import { buildBeside, type Staging } from './staging.js';

export interface ImportRequest {
  /** A file, a folder, or `-` for standard input. */
  readonly source: string;
  readonly directory: string;
  readonly platform: Platform;
  /** Chooses one of several images: a tag. */
  readonly image?: string | undefined;
  /** Whether to keep set-user-ID bits and file capabilities also where that closes the root to others. */
  readonly keepPrivileges?: boolean;
  readonly limits: Limits;
  readonly progress: Progress;
}

export interface Imported {
  /** For example `a tar archive` or `an image of 3 layers`. */
  readonly description: string;
  readonly tally: Tally;
  /** Of an image: how it wants to be run. */
  readonly image?: ImageDefaults;
}

/**
 * Makes a root file system at `directory` from a tar archive (plain, gzip, xz or zstd), from what `docker save` wrote,
 * or from an OCI image layout. What it is, is told by its content, not by its name.
 * @throws Failure (status 2) when source or folder cannot be used; (status 125) when the archive is damaged, hostile,
 * too large or for another machine. The folder is then as it was.
 */
export function importRootfs(request: ImportRequest): Promise<Imported> {
  return buildBeside(request.directory, async (staging) => {
    const folder = await layoutFolder(request.source);
    if (folder !== undefined) return unpackImage(folder, staging, request);
    const privileges = await keepsPrivileges(request);
    const tally = new Tally({ privileges });
    const tree = new Tree(staging.directory, { privileges });
    const what = request.source === '-' ? 'standard input' : request.source;
    await unpack(decompress(await openSource(request, staging.signal), what), what, {
      tree,
      budget: new Budget(request.limits),
      tally,
      whiteouts: false,
      signal: staging.signal,
    });
    // The archive of an image is unpacked like any other; what came out tells that it was one.
    if (layoutKind(staging.directory) !== undefined) {
      return unpackImage(await setAside(staging), staging, request);
    }
    await finishRoot(tree, request);
    return { description: 'a tar archive', tally };
  });
}

async function unpackImage(folder: string, staging: Staging, request: ImportRequest): Promise<Imported> {
  const image = await openLayout(folder, request.platform, request.image);
  const privileges = await keepsPrivileges(request);
  const tally = new Tally({ privileges });
  const tree = new Tree(staging.directory, { privileges });
  const unpacking = {
    tree,
    budget: new Budget(request.limits),
    tally,
    whiteouts: true,
    signal: staging.signal,
  };
  const layersCounted = image.layers.map((layer) => ({
    ...layer,
    open: () => request.progress.count(layer.open()),
  }));
  await applyLayers({ ...image, layers: layersCounted }, unpacking, (what) => request.progress.begin(what));
  await finishRoot(tree, request);
  const layers = counted(image.layers.length, 'layer');
  return { description: `an image of ${layers}`, tally, image: image.configuration.defaults };
}

/** Moves what was unpacked so far to a folder of its own, and leaves an empty one in its place. */
async function setAside({ directory, scratch }: Staging): Promise<string> {
  const folder = await scratch();
  await rmdir(folder);
  await rename(directory, folder);
  await mkdir(directory, 0o700);
  return folder;
}

/** The source if it is a folder with an image in it; undefined if it is to be read as a stream. */
async function layoutFolder(source: string): Promise<string | undefined> {
  if (source === '-') return undefined;
  const found = await stat(source).catch((error: unknown) => {
    throw usageFailure(
      `Cannot read ${source}: ${errnoWords(error)}.`,
      'Name an archive, an image, or - to read it from a pipe.',
    );
  });
  if (!found.isDirectory()) return undefined;
  if (layoutKind(source) !== undefined) return source;
  throw usageFailure(
    `The folder ${source} holds no image: neither index.json with blobs/, nor manifest.json.`,
    'If it is a root file system already, use it as it is: gontainer run --uid --mnt DIR',
  );
}

async function openSource(
  { source, progress }: ImportRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  if (source === '-') {
    if (process.stdin.isTTY) {
      throw usageFailure(
        'Standard input is the terminal.',
        'Pipe an archive: docker export NAME | gontainer rootfs import - DIR',
      );
    }
    progress.begin('standard input');
    return progress.count(addAbortSignal(signal, process.stdin) as AsyncIterable<Uint8Array>);
  }
  const unreadable = (error: unknown): never => {
    throw usageFailure(`Cannot read ${source}: ${errnoWords(error)}.`, 'Name a file you may read.');
  };
  const found = await stat(source).catch(unreadable);
  if (found.isFIFO()) {
    const fd = await promisify(openDescriptor)(source, 'r').catch(unreadable);
    progress.begin(source);
    // As standard input is read: a thread that waits in read(2) would not hear of Ctrl-C.
    return progress.count(addAbortSignal(signal, new Socket({ fd, readable: true, writable: false })));
  }
  const file = await open(source, 'r').catch(unreadable);
  progress.begin(source, found.isFile() ? found.size : undefined);
  return progress.count(bytesOf(file));
}
