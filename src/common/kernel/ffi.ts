/**
 * ffi-rs without its loader. The loader asks `process.report` which C library this is, which takes longer than all the
 * rest; glibc is the only one that gontainer runs with, so the package for it is tried first.
 */
import type * as FfiRs from 'ffi-rs';
import { Failure } from '../failure.js';

/** A call as the native module takes it; arrays are described in full there. */
interface NativeCall {
  readonly library: string;
  readonly funcName: string;
  readonly retType: number;
  readonly paramsType: readonly unknown[];
  readonly paramsValue: readonly unknown[];
  readonly errno: boolean;
  readonly freeResultMemory: boolean;
  /** On a thread of libuv's; then what is returned is a promise of it. */
  readonly runInNewThread?: true;
}

/** An address as ffi-rs holds it. */
type External = { readonly external: unique symbol };

interface Native {
  open(library: { readonly library: string; readonly path: string }): void;
  load(call: NativeCall): unknown;
  createExternalBuffer(address: External, length: number): Buffer;
  readonly DataType: typeof FfiRs.DataType;
  readonly FFITypeTag: { readonly Array: number };
}

/** node:module is loaded only where it is needed: in an ES module, as the source is to a test, there is no require(). */
const requireFrom = (file: string): NodeJS.Require =>
  process.getBuiltinModule('node:module').createRequire(file);

/**
 * The native module of the package for this processor, in the places where npm lays it. To ask Node where it is takes
 * longer than to load it.
 */
function nativeModule(name: string): Native | undefined {
  const file = `${name}/ffi-rs.linux-${process.arch}-gnu.node`;
  for (const place of ['../node_modules', '../..']) {
    const module = { exports: {} };
    try {
      process.dlopen(module, `${import.meta.dirname}/${place}/${file}`);
      return module.exports as Native;
    } catch {
      // It lies elsewhere.
    }
  }
  return undefined;
}

function nativeForThisProcessor(): Native {
  const name = `@yuuang/ffi-rs-linux-${process.arch}-gnu`;
  const found = nativeModule(name);
  if (found !== undefined) return found;
  const load = typeof require === 'function' ? require : requireFrom(import.meta.url);
  try {
    return load(name);
  } catch {
    // Where installers give each package only its own dependencies (pnpm), it is one of ffi-rs.
  }
  try {
    return requireFrom(load.resolve('ffi-rs'))(name);
  } catch {
    // Laid out differently on disk: the loader knows where.
    return load('ffi-rs');
  }
}

let loaded: Native | undefined;

/**
 * Loaded with the first call: what makes none, such as drawing a report, works without it too.
 * @throws Failure where it is not installed
 */
function native(): Native {
  try {
    loaded ??= nativeForThisProcessor();
  } catch (cause) {
    // The platform's own package of ffi-rs is an optional one, which an installer may leave out.
    const [sentence = ''] = (cause as Error).message.split('\n');
    throw new Failure(`the native part of gontainer, ffi-rs, cannot be loaded: ${sentence}`, {
      next: 'Install it again, with optional packages.',
      cause,
    });
  }
  return loaded;
}

export const open: Native['open'] = (library) => native().open(library);
export const load: Native['load'] = (call) => native().load(call);

const types = { int: 'I32', word: 'BigInt', text: 'String' } as const;

/** How a C int, a 64-bit word or a C string is passed. */
export const typeOf = (as: keyof typeof types): number => native().DataType[types[as]];

/** A function of the C library that returns an int, and is called again and again with the same arguments. */
export function sameCall(funcName: string, as: readonly (keyof typeof types)[], values: readonly unknown[]) {
  const { load } = native();
  const call: NativeCall = {
    library: 'libc',
    funcName,
    retType: typeOf('int'),
    paramsType: as.map(typeOf),
    paramsValue: values,
    errno: false,
    freeResultMemory: false,
  };
  return { here: () => load(call) as number, onThread: { ...call, runInNewThread: true } as const };
}

/**
 * Zeroed memory of the C library, for as long as this process lives: to pass its address costs less than a Buffer does.
 * @returns where it is, and a Buffer that shows what is there
 */
export function nativeMemory(length: number): { readonly address: bigint; readonly bytes: Buffer } {
  const { load, createExternalBuffer, DataType } = native();
  const call = { library: 'libc', errno: false, freeResultMemory: false };
  const size = { paramsType: [DataType.BigInt, DataType.BigInt], paramsValue: [1n, BigInt(length)] };
  const memory = load({ ...call, ...size, funcName: 'calloc', retType: DataType.External }) as External;
  const words = {
    paramsType: [DataType.External, DataType.I32, DataType.BigInt],
    paramsValue: [memory, 0, BigInt(length)],
  };
  const address = load({ ...call, ...words, funcName: 'memset', retType: DataType.BigInt }) as bigint;
  return { address, bytes: createExternalBuffer(memory, length) };
}

/** The type of a Buffer of this length, passed by address. */
export function bytesType(length: number) {
  const { DataType, FFITypeTag } = native();
  return { ffiTypeTag: FFITypeTag.Array, type: DataType.U8Array, length };
}
