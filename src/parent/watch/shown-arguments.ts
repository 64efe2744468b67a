/** The arguments of a watched call, as strace(1) shows them on its way into the kernel. */

import { textOf } from '../../common/byte-text.js';
import { counted } from '../../common/counted.js';
import type { Notification } from '../../common/kernel/listener.js';
import { signalName } from '../../common/kernel/processes.js';
import type { Architecture, WatchedCall } from '../../common/watch/watched-calls.js';
import {
  atFlagNames,
  familyName,
  flagNames,
  makesFile,
  openFlagNames,
  socketTypeName,
} from './flag-names.js';
import type { RemoteMemory } from './remote-memory.js';
import { type SocketAddress, shownAddress, socketAddress } from './socket-address.js';

/** What was read of a call. */
export interface ReadCall {
  /** As strace shows them. */
  readonly args: string[];
  /** The paths among them, each with the directory descriptor that it is relative to. */
  readonly paths: { readonly directory: number; readonly path: string }[];
  /** What open(2) was asked for. */
  flags?: number;
  /** Its flags AT_…. */
  atFlags?: number;
  address?: SocketAddress;
  /** The new name of sethostname(2). */
  name?: string;
  /** Whether it sends without an address, and so works on an open descriptor, as write(2) does. */
  asksNothing?: boolean;
}

/** AT_FDCWD: relative to the working directory. */
export const workingDirectory = -100;

/** strace shows no more of a list. */
const mostTexts = 32;
const mostOfText = 256;
/** More messages than this are not looked at; each has a struct mmsghdr. */
const mostMessages = 32;
/** More variables than this are not counted. */
const mostVariables = 512;

interface Reading {
  readonly memory: RemoteMemory;
  readonly thread: number;
  readonly name: string;
  /** How long a pointer is, in bytes. */
  readonly pointer: 4 | 8;
  readonly into: ReadCall;
  /** The directory descriptor in front of the next path. */
  directory: number;
}

const integer = (value: bigint): number => Number(BigInt.asIntN(32, value));
const unsigned = (value: bigint): number => Number(BigInt.asUintN(32, value));
const hexadecimal = (value: bigint): string => (value === 0n ? '0' : `0x${value.toString(16)}`);
const pointerText = (value: bigint): string => (value === 0n ? 'NULL' : `0x${value.toString(16)}`);
const signal = (value: bigint): string => (value === 0n ? '0' : signalName(integer(value)));

type Form = (value: bigint, reading: Reading, args: readonly bigint[], index: number) => string | undefined;

/** By the letters of the table of calls. Undefined for an argument that the call does not look at. */
const forms: Readonly<Record<string, Form>> = {
  s: path,
  t: (value, { memory, thread }) => {
    if (value === 0n) return 'NULL';
    const found = memory.text(thread, value);
    return found === undefined ? '?' : quoted(found.bytes, found.cut);
  },
  n: (value, { memory, thread, into }, args, index) => {
    const length = Math.min(unsigned(args[index + 1] ?? 0n), mostOfText);
    const found = memory.read(thread, value, length);
    if (found.length < length) return '?';
    into.name = textOf(found);
    return quoted(found, false);
  },
  d: (value, reading) => {
    reading.directory = integer(value);
    return reading.directory === workingDirectory ? 'AT_FDCWD' : String(reading.directory);
  },
  i: (value) => String(integer(value)),
  l: (value) => String(integer(value)),
  x: hexadecimal,
  o: (value, { into, name }) =>
    into.flags !== undefined && name !== 'creat' && !makesFile(into.flags)
      ? undefined
      : `0${(value & 0o177777n).toString(8).padStart(3, '0')}`,
  f: (value, { into }) => {
    into.flags = unsigned(value);
    return openFlagNames(into.flags);
  },
  A: (value, { name, into }) => {
    into.atFlags = unsigned(value);
    return atFlagNames(name, into.atFlags);
  },
  m: (value) => (value === 0n ? 'F_OK' : flagNames('access', unsigned(value))),
  p: pointerText,
  v: (value, reading) => texts(value, reading),
  e: (value, reading) => variables(value, reading),
  S: signal,
  F: (value) => familyName(unsigned(value)),
  T: (value) => socketTypeName(unsigned(value)),
  N: (value) => flagNames('unshare', unsigned(value)),
  M: (value) => flagNames('mount', unsigned(value)),
  U: (value) => flagNames('unmount', unsigned(value)),
  r: (value) => flagNames('rename', unsigned(value)),
  a: (value, reading, args, index) => address(value, unsigned(args[index + 1] ?? 0n), reading),
  H: (value, reading) => {
    const given = headers(value, 1, reading);
    if (given === undefined) return '?';
    reading.into.asksNothing = given.every(isWithoutAddress);
    return given.map((header) => message(header, reading)).join();
  },
  G: (value, reading, args, index) => {
    const count = unsigned(args[index + 1] ?? 0n);
    const given = headers(value, Math.min(count, mostMessages), reading);
    if (given === undefined) return '?';
    reading.into.asksNothing = count <= mostMessages && given.every(isWithoutAddress);
    const shown = given.map((header) => `{msg_hdr=${message(header, reading)}}`);
    return `[${[...shown, ...(count > mostMessages ? ['...'] : [])].join(', ')}]`;
  },
  h: (value, { memory, thread, into }) => {
    const how = memory.read(thread, value, 24);
    if (how.length < 24) return '?';
    into.flags = how.readUInt32LE(0);
    const mode = makesFile(into.flags) ? [`mode=0${how.readBigUInt64LE(8).toString(8)}`] : [];
    const resolve = how.readBigUInt64LE(16);
    return `{${[`flags=${openFlagNames(into.flags)}`, ...mode, `resolve=${hexadecimal(resolve)}`].join(', ')}}`;
  },
  c: (value, _, args) => `child_stack=${pointerText(args[1] ?? 0n)}, flags=${cloneFlags(value)}`,
  C: (value, { memory, thread }) => {
    const given = memory.read(thread, value, 40);
    if (given.length < 40) return '?';
    const flags = flagNames('clone', Number(given.readBigUInt64LE(0)));
    return `{flags=${flags}, exit_signal=${signal(given.readBigUInt64LE(32))}}`;
  },
};

/** An address of a socket; the first of a call is that of its record. */
function address(value: bigint, length: number, { memory, thread, into }: Reading): string {
  const found = socketAddress(memory.read(thread, value, Math.min(length, 128)));
  if (found === undefined) return '?';
  into.address ??= found;
  if ('path' in found && !found.abstract && found.path !== '')
    into.paths.push({ directory: workingDirectory, path: found.path });
  return shownAddress(found);
}

/** What struct msghdr begins with. */
interface MessageHeader {
  readonly name: bigint;
  readonly length: number;
}

const isWithoutAddress = ({ name, length }: MessageHeader): boolean => name === 0n || length === 0;

/** Those of so many struct mmsghdr, the first of which is a struct msghdr; undefined where they cannot be read. */
function headers(
  value: bigint,
  count: number,
  { memory, thread, pointer }: Reading,
): MessageHeader[] | undefined {
  const size = pointer === 8 ? 64 : 32;
  const beginning = pointer + 4;
  const wanted = Math.max(count - 1, 0) * size + (count > 0 ? beginning : 0);
  // What is read next takes the place of these bytes.
  const found = Buffer.from(memory.read(thread, value, wanted));
  if (found.length < wanted) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const at = index * size;
    const name = pointer === 8 ? found.readBigUInt64LE(at) : BigInt(found.readUInt32LE(at));
    return { name, length: found.readUInt32LE(at + pointer) };
  });
}

const message = ({ name, length }: MessageHeader, reading: Reading): string =>
  `{msg_name=${name === 0n ? 'NULL' : address(name, length, reading)}, msg_namelen=${length}}`;

/** The lowest byte is the signal at the end of the process: clone(2). */
function cloneFlags(value: bigint): string {
  const flags = flagNames('clone', Number(value & 0xffff_ff00n));
  const end = value & 0xffn;
  return end === 0n ? flags : `${flags === '0' ? '' : `${flags}|`}${signal(end)}`;
}

function path(value: bigint, { memory, thread, into, directory }: Reading): string {
  if (value === 0n) return 'NULL';
  const found = memory.text(thread, value);
  if (found === undefined) return '?';
  into.paths.push({ directory, path: textOf(found.bytes) });
  return quoted(found.bytes, found.cut);
}

function texts(value: bigint, { memory, thread, pointer }: Reading): string {
  const addresses = pointers(value, { memory, thread, pointer }, mostTexts + 1);
  if (addresses === undefined) return '?';
  const shown = addresses.slice(0, mostTexts).map((address) => {
    const found = memory.text(thread, address, mostOfText);
    return found === undefined ? '?' : quoted(found.bytes, found.cut);
  });
  return `[${[...shown, ...(addresses.length > mostTexts ? ['...'] : [])].join(', ')}]`;
}

/** Of the environment nothing is shown but how many variables there are: values are never logged. */
function variables(value: bigint, reading: Reading): string {
  const addresses = pointers(value, reading, mostVariables);
  if (addresses === undefined) return value === 0n ? 'NULL' : '?';
  const { length } = addresses;
  return `${pointerText(value)} /* ${counted(length, 'var')} */`;
}

/** A vector of pointers up to its null pointer; undefined where it cannot be read. */
function pointers(
  value: bigint,
  { memory, thread, pointer }: Pick<Reading, 'memory' | 'thread' | 'pointer'>,
  most: number,
): bigint[] | undefined {
  // What is read next takes the place of these bytes.
  const vector = Buffer.from(memory.read(thread, value, most * pointer));
  if (vector.length < pointer) return undefined;
  const found: bigint[] = [];
  for (let at = 0; at + pointer <= vector.length; at += pointer) {
    const address = pointer === 8 ? vector.readBigUInt64LE(at) : BigInt(vector.readUInt32LE(at));
    if (address === 0n) break;
    found.push(address);
  }
  return found;
}

const plain = /^[ !#-[\]-~]*$/;
const short: Readonly<Record<number, string>> = {
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

/** In quotes, and what is not printable ASCII in octal. */
function quoted(bytes: Buffer, cut: boolean): string {
  const end = cut ? '"...' : '"';
  const text = bytes.toString('latin1');
  if (plain.test(text)) return `"${text}${end}`;
  let shown = '';
  for (const [index, byte] of bytes.entries()) {
    const next = bytes[index + 1] ?? 0;
    const digitFollows = next >= 0x30 && next <= 0x39;
    shown +=
      short[byte] ??
      (byte >= 0x20 && byte < 0x7f
        ? String.fromCharCode(byte)
        : `\\${byte.toString(8).padStart(digitFollows ? 3 : 1, '0')}`);
  }
  return `"${shown}${end}`;
}

/** Reads the arguments. What cannot be read is a `?`; this throws nothing that a process could cause. */
export function readArguments(
  memory: RemoteMemory,
  { thread, args }: Notification,
  { name, parameters }: WatchedCall,
  architecture: Architecture,
): ReadCall {
  const into: ReadCall = { args: [], paths: [] };
  const pointer = architecture === 'i386' ? 4 : 8;
  const reading: Reading = { memory, thread, name, pointer, into, directory: workingDirectory };
  for (let index = 0; index < parameters.length; index += 1) {
    const form = forms[parameters[index] as string] as Form;
    const shown = form(args[index] ?? 0n, reading, args, index);
    if (shown !== undefined) into.args.push(shown);
  }
  return into;
}
