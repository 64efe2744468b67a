/**
 * The C library through ffi-rs, which is reached from no other file. Addresses are 64-bit integers.
 *
 * Functions are looked up in the handle of libc.so.6, not in the global scope: from Node 22 on, `read` and `write` in
 * the global scope are entries inside the node binary (design: docs/call-chain.md).
 */
import { pathOf } from '../byte-text.js';
import { Failure } from '../failure.js';
import { bytesType, load, open, typeOf } from './ffi.js';

/** How a value travels: a C int, a 64-bit word (long, size_t, pointer), a C string, or bytes by address. */
export type Passed =
  | { readonly as: 'int'; readonly value: number }
  | { readonly as: 'word'; readonly value: bigint }
  | { readonly as: 'text'; readonly value: string }
  | { readonly as: 'bytes'; readonly value: Buffer };

const passedType = (passed: Passed) =>
  passed.as === 'bytes' ? bytesType(passed.value.length) : typeOf(passed.as);

const RTLD_NOW = 2; // dlopen(3)
let handle: bigint | undefined;
/** The library with dlopen(3) and dlsym(3): before glibc 2.34 one of its own. */
let loader: 'libc' | 'libdl' = 'libc';
const addresses = new Map<string, bigint>();

/**
 * Opens the C library.
 * @throws Failure where it is not glibc: musl has neither a libc.so.6 nor makecontext(3).
 */
function openLibrary(): bigint {
  if (handle !== undefined) return handle;
  try {
    open({ library: 'libc', path: 'libc.so.6' });
  } catch (cause) {
    // What opens libraries is missing itself.
    if (cause instanceof Failure) throw cause;
    throw new Failure('this program needs the GNU C library (glibc), and this system has no libc.so.6', {
      next: 'Run it on a distribution with glibc (Debian, Ubuntu, Fedora, Arch…); Alpine and others with musl lack makecontext(3).',
      cause,
    });
  }
  const opened = (): bigint => wordFrom(loader, 'dlopen', text('libc.so.6'), int(RTLD_NOW));
  try {
    handle = opened();
  } catch {
    open({ library: 'libdl', path: 'libdl.so.2' });
    loader = 'libdl';
    handle = opened();
  }
  return handle;
}

export const int = (value: number): Passed => ({ as: 'int', value });
export const pointer = (value: bigint): Passed => ({ as: 'word', value });
export const text = (value: string): Passed => {
  const path = pathOf(`${value}\0`);
  // ffi-rs writes a string as UTF-8.
  return typeof path === 'string' ? { as: 'text', value } : bytes(path);
};
export const bytes = (value: Buffer): Passed => ({ as: 'bytes', value });

const ENOSYS = 38; // errno(3)

const AT_FDCWD = -100; // open(2)

/**
 * What syscall(2) is given in front of the arguments of a call that an older glibc has no function for: the number of the
 * call, the same on every processor where it is new. close_range(2) came with glibc 2.34, the others with 2.36; mknod(3)
 * was an inline function up to 2.32, and aarch64 has only mknodat(2).
 */
const newerThanGlibc: Readonly<Record<string, readonly number[]>> = {
  mknod: process.arch === 'arm64' ? [33, AT_FDCWD] : [133],
  open_tree: [428],
  move_mount: [429],
  pidfd_open: [434],
  close_range: [436],
  pidfd_getfd: [438],
  mount_setattr: [442],
};

/** The same for one call; undefined where this glibc has a function for it. */
export const withoutFunction = (name: string): readonly bigint[] | undefined =>
  newerThanGlibc[name] !== undefined && lookUp(name) === 0n ? newerThanGlibc[name].map(BigInt) : undefined;

/**
 * Calls a function that returns an int, and reads errno, which is only meaningful when it returned -1. A function that
 * this glibc is too old to have fails like a system call that the kernel is too old to have: with ENOSYS.
 */
export function invoke(name: string, passed: readonly Passed[]): { value: number; errno: number } {
  if (lookUp(name) === 0n) {
    const before = withoutFunction(name);
    return before === undefined
      ? { value: -1, errno: ENOSYS }
      : invoke('syscall', [...before.map(pointer), ...passed]);
  }
  const answer = load({
    library: 'libc',
    funcName: name,
    retType: typeOf('int'),
    paramsType: passed.map(passedType),
    paramsValue: passed.map(({ value }) => value),
    errno: true,
    freeResultMemory: false,
  }) as { value: number; errnoCode: number };
  return { value: answer.value, errno: answer.errnoCode };
}

/** Calls a function that returns a pointer or a long. */
export const word = (name: string, ...passed: readonly Passed[]): bigint => wordFrom('libc', name, ...passed);

function wordFrom(library: 'libc' | 'libdl', name: string, ...passed: readonly Passed[]): bigint {
  const value = load({
    library,
    funcName: name,
    retType: typeOf('word'),
    paramsType: passed.map(passedType),
    paramsValue: passed.map(({ value }) => value),
    errno: false,
    freeResultMemory: false,
  });
  return BigInt(value as bigint);
}

/** dlsym(3): 0 when the library does not have it. */
function lookUp(name: string): bigint {
  const library = pointer(openLibrary());
  const found = addresses.get(name) ?? wordFrom(loader, 'dlsym', library, text(name));
  addresses.set(name, found);
  return found;
}

/**
 * Where a function of the C library is in memory.
 * @throws Failure when the library does not have it.
 */
export function address(name: string): bigint {
  const found = lookUp(name);
  if (found === 0n) {
    throw new Failure(`the C library of this system has no ${name}()`, {
      next: 'gontainer needs glibc 2.28 or later, as Node does.',
    });
  }
  return found;
}

/** Copies bytes to an address. */
export const poke = (at: bigint, content: Buffer): void => {
  word('memcpy', pointer(at), bytes(content), pointer(BigInt(content.length)));
};

/** Copies `length` bytes from an address. */
export function peek(at: bigint, length: number): Buffer {
  const content = Buffer.alloc(length);
  word('memcpy', bytes(content), pointer(at), pointer(BigInt(length)));
  return content;
}
