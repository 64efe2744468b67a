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
const addresses = new Map<string, bigint>();

/**
 * Opens the C library.
 * @throws Failure where it is not glibc: musl has neither a libc.so.6 nor makecontext(3).
 */
function openLibrary(): bigint {
  if (handle !== undefined) return handle;
  try {
    open({ library: 'libc', path: 'libc.so.6' });
    handle = word('dlopen', text('libc.so.6'), int(RTLD_NOW));
  } catch (cause) {
    throw new Failure('this program needs the GNU C library (glibc), and this system has no libc.so.6', {
      next: 'Run it on a distribution with glibc (Debian, Ubuntu, Fedora, Arch…); Alpine and others with musl lack makecontext(3).',
      cause,
    });
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

/**
 * Calls that glibc has functions for since 2.36 only, by their numbers, which are the same on every processor: an older
 * one makes them through syscall(2).
 */
const sinceGlibc236: Readonly<Record<string, number>> = {
  pidfd_open: 434,
  pidfd_getfd: 438,
  mount_setattr: 442,
};

/**
 * Calls a function that returns an int, and reads errno, which is only meaningful when it returned -1. A function that
 * this glibc is too old to have fails like a system call that the kernel is too old to have: with ENOSYS.
 */
export function invoke(name: string, passed: readonly Passed[]): { value: number; errno: number } {
  if (lookUp(name) === 0n) {
    const number = sinceGlibc236[name];
    return number === undefined
      ? { value: -1, errno: ENOSYS }
      : invoke('syscall', [pointer(BigInt(number)), ...passed]);
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
export function word(name: string, ...passed: readonly Passed[]): bigint {
  const value = load({
    library: 'libc',
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
  const found = addresses.get(name) ?? word('dlsym', pointer(openLibrary()), text(name));
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
      next: 'gontainer needs glibc 2.34 or later.',
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
