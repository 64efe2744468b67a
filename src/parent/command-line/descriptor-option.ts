/** Options that name a file descriptor which the caller has opened. */
import { fstatSync, readlinkSync } from 'node:fs';
import { usageFailure } from '../../common/failure.js';

/**
 * @param example how one is opened in a shell
 * @throws Failure (status 2) where the caller has opened no such descriptor
 */
export function checkDescriptor(
  option: string,
  descriptor: number,
  example = `gontainer run … --${option}=${descriptor} ${descriptor}>FILE`,
): void {
  if (isCallers(descriptor)) return;
  throw usageFailure(`--${option}=${descriptor} is not an open file descriptor`, `In a shell: ${example}`);
}

/** Whether a descriptor is the caller's: Node's own are anonymous, and those are no place for a report. */
export function isCallers(descriptor: number): boolean {
  try {
    fstatSync(descriptor);
    return !readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('anon_inode:');
  } catch {
    return false;
  }
}
