/**
 * Opening a pipe of the launcher's for a socket of this program, which closes it. In a Worker that takes a detour: Node
 * remembers the numbers that node:fs opened there and closes them when the Worker ends, whatever has them by then in
 * another thread (trackUnmanagedFds of node:worker_threads). What belongs to a FileHandle it does not remember, and that
 * can let go of it.
 */
import { openSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';

/**
 * @returns a descriptor, in a Worker a promise of it
 * @throws an error of the system where it cannot be opened; in a Worker the promise rejects with it
 */
export const openPipe = (path: string, flags: number): number | Promise<number> =>
  isMainThread ? openSync(path, flags) : openInWorker(path, flags);

async function openInWorker(path: string, flags: number): Promise<number> {
  const handle = await open(path, flags);
  const { fd } = handle;
  if (letGo(handle)) return fd;
  await handle.close();
  return openSync(path, flags);
}

/** node:http2 does the same with a FileHandle that it is given. @returns whether this Node can do it */
function letGo(handle: FileHandle): boolean {
  const inner = Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'kHandle');
  const own = inner && (handle as unknown as Record<symbol, { releaseFD?: () => void }>)[inner];
  if (typeof own?.releaseFD !== 'function') return false;
  own.releaseFD();
  return true;
}
