/** A seccomp filter as containers have, around a command: bwrap(1) loads it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The numbers of calls that the filters of containers refuse: syscalls(2). */
const numbers = {
  unshare: process.arch === 'arm64' ? 97 : 272,
  sethostname: process.arch === 'arm64' ? 161 : 170,
  pidfd_getfd: 438,
  pidfd_open: 434,
  openat2: 437,
  close_range: 436,
};

/** What a filter does then: seccomp(2). With an errno it is in the low half. */
const refusals = { EPERM: 0x00050001, ENOSYS: 0x00050026, SIGSYS: 0x80000000 };

export interface Filter {
  readonly call?: keyof typeof numbers;
  readonly by?: keyof typeof refusals;
  /** Further words for bwrap(1). */
  readonly more?: readonly string[];
}

/**
 * Words in front of a command that is to run as inside a container whose seccomp filter refuses a call. bpf(4): load the
 * number of the call; is it this one? then refuse it, else SECCOMP_RET_ALLOW.
 * @param folder where the filter is written, and every user can read it
 */
export function filteredBy(folder: string, { call = 'unshare', by = 'EPERM', more = [] }: Filter): string[] {
  const program = [
    [0x20, 0, 0, 0],
    [0x15, 0, 1, numbers[call]],
    [0x06, 0, 0, refusals[by]],
    [0x06, 0, 0, 0x7fff0000],
  ] as const;
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, whenTrue, whenFalse, k], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(whenTrue, index * 8 + 2);
    bytes.writeUInt8(whenFalse, index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  });
  const file = join(folder, `filter-${call}-${by}`);
  writeFileSync(file, bytes);
  const bwrap = ['bwrap', '--dev-bind', '/', '/', ...more, '--seccomp', '9'];
  return ['sh', '-c', `exec "$@" 9<${file}`, 'sh', ...bwrap, '--'];
}
