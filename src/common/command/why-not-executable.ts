/** Why execve(2) refused a program that is there: what the kernel's errno leaves open, the file's beginning says. */
import { beginningOf } from '../container-file.js';

/** elf(5): e_machine of what Linux runs on, by the names that uname(1) has for them. */
const machines: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x86-64',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
};
const own: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86-64', arm64: 'aarch64' };

const PT_INTERP = 3;

/** What the beginning of a program says it is. */
type Program =
  | { readonly kind: 'elf'; readonly machine: string; readonly interpreter: string | undefined }
  | { readonly kind: 'script'; readonly interpreter: string }
  | { readonly kind: 'other' };

/**
 * A reason and what to do, as two sentences; undefined where the file says no more than the errno.
 * @param path of the program, in the root of this process
 * @param errno of execve(2), by its name
 */
export function whyNotExecutable(
  path: string,
  errno: string,
): { readonly reason: string; readonly next: string } | undefined {
  const bytes = beginningOf(path, 64 * 1024);
  if (bytes === undefined) return undefined;
  const program = programOf(bytes);
  if (errno === 'ENOEXEC') return ofWrongFormat(program, bytes, path);
  const interpreter = program.kind === 'other' ? undefined : program.interpreter;
  if (errno !== 'ENOENT' || interpreter === undefined) return undefined;
  return {
    reason: `${path} is executed by ${interpreter}, which does not exist in the container`,
    next: `Put ${interpreter} into the root file system${program.kind === 'script' ? ', or begin the script with #! and a program that it has' : ', with the libraries that go with it'}.`,
  };
}

function ofWrongFormat(program: Program, bytes: Buffer, shown: string) {
  const machine = own[process.arch] ?? process.arch;
  if (program.kind === 'elf' && program.machine !== machine)
    return {
      reason: `${shown} is built for ${program.machine}, and this is ${machine}`,
      next: `Take a root file system for ${machine}.`,
    };
  if (bytes.length === 0) return { reason: `${shown} is empty`, next: 'Put a program in its place.' };
  if (program.kind === 'other')
    return {
      reason: `${shown} is neither a program nor a script that begins with #!`,
      next: `If it is a script, begin it with #!/bin/sh, or run: sh ${shown}`,
    };
  return undefined;
}

function programOf(bytes: Buffer): Program {
  if (bytes.subarray(0, 4).equals(Buffer.from('\x7fELF')) && bytes.length >= 64) return elf(bytes);
  // execve(2): the interpreter is the first word of the line.
  const [, interpreter] = /^#![ \t]*([^ \t\n]+)/.exec(bytes.toString('latin1', 0, 256)) ?? [];
  return interpreter === undefined ? { kind: 'other' } : { kind: 'script', interpreter };
}

function elf(bytes: Buffer): Program {
  const little = bytes[5] !== 2;
  const number = little ? bytes.readUInt16LE(18) : bytes.readUInt16BE(18);
  const machine = machines[number] ?? `machine ${number} of elf(5)`;
  // Only 64 bits, low byte first, is what this processor could go on with.
  const interpreter = little && bytes[4] === 2 ? interpreterOf(bytes) : undefined;
  return { kind: 'elf', machine, interpreter };
}

/** elf(5): the program header that names the dynamic loader. */
function interpreterOf(bytes: Buffer): string | undefined {
  const first = Number(bytes.readBigUInt64LE(32));
  const [size, count] = [bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  for (let at = first; at < first + size * count && at + 40 <= bytes.length && size >= 56; at += size) {
    if (bytes.readUInt32LE(at) !== PT_INTERP) continue;
    const begin = Number(bytes.readBigUInt64LE(at + 8));
    const end = bytes.indexOf(0, begin);
    return end > begin ? bytes.toString('latin1', begin, end) : undefined;
  }
  return undefined;
}
