/**
 * The filter of `--watch`: a program of classic BPF, as seccomp(2) takes it. It looks at nothing but the architecture and
 * the number of a call: then the kernel remembers which calls are allowed, and those cost nothing. Of one call it looks at
 * an argument too.
 */
import {
  type Architecture,
  architectures,
  architecturesOf,
  type WatchKind,
  watchedNumbers,
  withAddress,
} from './watched-calls.js';

/** Opcodes of linux/bpf_common.h. */
const [load, jumpIfEqual, jumpIfAtLeast, answer] = [0x20, 0x15, 0x35, 0x06];

/** What the filter says of a call: SECCOMP_RET_ of linux/seccomp.h; the last with ENOSYS. */
const returns = { allow: 0x7fff0000, notify: 0x7fc00000, noSuchCall: 0x00050000 | 38 } as const;

/** Where struct seccomp_data has the number of the call, the architecture, and the halves of the fifth argument. */
const offsets = { number: 0, architecture: 4, address: [48, 52] } as const;

/** Calls of x32 have the architecture of x86-64, and this bit in their number: asm/unistd.h. */
const x32Bit = 0x40000000;

/** One struct sock_filter. @param yes how many instructions are left out where the condition holds */
function instruction(code: number, k: number, yes = 0, no = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(yes, 2);
  bytes.writeUInt8(no, 3);
  bytes.writeUInt32LE(k >>> 0, 4);
  return bytes;
}

/** What is said of the calls of one architecture; a jump reaches over 255 instructions. */
function table(architecture: Architecture, kinds: readonly WatchKind[]): Buffer[] {
  const watched = [...watchedNumbers(architecture, kinds)];
  const looksAt = withAddress();
  const numbersOf = (isLookedAt: boolean) =>
    watched.filter(([, { name }]) => looksAt.has(name) === isLookedAt).map(([number]) => number);
  const [numbers, addressed] = [numbersOf(false), numbersOf(true)];
  const jumps = numbers.length + addressed.length;
  const [low, high] = offsets.address;
  return [
    instruction(load, offsets.number),
    ...(architecture === 'x64'
      ? [instruction(jumpIfAtLeast, x32Bit, 0, 1), instruction(answer, returns.noSuchCall)]
      : []),
    ...numbers.map((number, index) => instruction(jumpIfEqual, number, jumps + 5 - index)),
    ...addressed.map((number, index) => instruction(jumpIfEqual, number, addressed.length - index)),
    instruction(answer, returns.allow),
    instruction(load, low),
    instruction(jumpIfEqual, 0, 0, 3),
    instruction(load, high),
    instruction(jumpIfEqual, 0, 0, 1),
    instruction(answer, returns.allow),
    instruction(answer, returns.notify),
  ];
}

/** The instructions, 8 bytes each, for the programs that run on this machine; those of any other get ENOSYS. */
export function filterProgram(
  kinds: readonly WatchKind[],
  machine: NodeJS.Architecture = process.arch,
): Buffer {
  return Buffer.concat([
    instruction(load, offsets.architecture),
    ...architecturesOf(machine).flatMap((architecture) => {
      const calls = table(architecture, kinds);
      return [instruction(jumpIfEqual, architectures[architecture], 0, calls.length), ...calls];
    }),
    instruction(answer, returns.noSuchCall),
  ]);
}
