/** What Node has no call for: times to the nanosecond, and extended attributes. Links are not followed. */

import { futimesSync, lutimesSync } from 'node:fs';
import { errnoName } from './errno.js';
import { bytes, int, invoke, pointer } from './libc.js';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

const terminated = (text: Buffer | string) => bytes(Buffer.concat([Buffer.from(text), Buffer.alloc(1)]));

/** A time since 1970, as timespec(3type) has it: before 1970 the seconds are negative, the nanoseconds never. */
export interface Moment {
  readonly seconds: number;
  /** Below one second. */
  readonly nanoseconds: number;
}

/**
 * Sets when a file was last read and changed: utimensat(2). The kernel moves a time that the file system cannot keep to
 * the nearest that it can.
 * @throws the name of the errno as an Error's code
 */
export function setTimes(path: Buffer | string, time: Moment): void {
  if (isExactForNode(time)) lutimesSync(path, time.seconds, time.seconds);
  else
    require('utimensat', [int(AT_FDCWD), terminated(path), bytes(timesOf(time)), int(AT_SYMLINK_NOFOLLOW)]);
}

/** The same for an open file: futimens(3). */
export function setTimesOfOpen(file: number, time: Moment): void {
  if (isExactForNode(time)) futimesSync(file, time.seconds, time.seconds);
  else require('futimens', [int(file), bytes(timesOf(time))]);
}

/** What Node sets exactly, and faster: it takes seconds as a binary fraction. */
const isExactForNode = ({ seconds, nanoseconds }: Moment): boolean =>
  nanoseconds === 0 && seconds >= 0 && seconds < 2 ** 32;

function timesOf({ seconds, nanoseconds }: Moment): Buffer {
  const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];
  const whole = BigInt(seconds);
  const times = Buffer.alloc(32);
  for (const at of [0, 16]) {
    times.writeBigInt64LE(whole < least ? least : whole > most ? most : whole, at);
    times.writeBigInt64LE(BigInt(nanoseconds), at + 8);
  }
  return times;
}

/** Sets an extended attribute: lsetxattr(2). @throws the name of the errno as an Error's code */
export function setAttribute(path: Buffer | string, name: string, value: Buffer): void {
  // A buffer of no bytes has no address.
  const content = value.length === 0 ? pointer(0n) : bytes(value);
  const named = terminated(Buffer.from(name, 'latin1'));
  require('lsetxattr', [terminated(path), named, content, pointer(BigInt(value.length)), int(0)]);
}

/** Takes an extended attribute away: lremovexattr(2). @throws the name of the errno as an Error's code */
export const removeAttribute = (path: Buffer | string, name: string): void =>
  require('lremovexattr', [terminated(path), terminated(Buffer.from(name, 'latin1'))]);

/** What llistxattr(2) and lgetxattr(2) give at most: xattr(7), "Limits on extended attributes". */
const room = Buffer.alloc(65_536);

/**
 * The extended attributes of a file that this process may see, by name, in their order: llistxattr(2), lgetxattr(2).
 * None where the file system has no such thing.
 */
export function attributesOf(path: Buffer | string): Map<string, Buffer> {
  const file = terminated(path);
  const found = new Map<string, Buffer>();
  const size = pointer(BigInt(room.length));
  const { value: length } = invoke('llistxattr', [file, bytes(room), size]);
  if (length <= 0) return found;
  const names = room.toString('latin1', 0, length - 1).split('\0');
  for (const name of names.sort()) {
    const { value } = invoke('lgetxattr', [file, terminated(Buffer.from(name, 'latin1')), bytes(room), size]);
    if (value >= 0) found.set(name, Buffer.from(room.subarray(0, value)));
  }
  return found;
}

/** One of them: lgetxattr(2). Undefined where it has none of this name, or this process may not see it. */
export function attributeOf(path: Buffer | string, name: string): Buffer | undefined {
  const passed = [terminated(path), terminated(Buffer.from(name, 'latin1')), bytes(room)];
  const { value } = invoke('lgetxattr', [...passed, pointer(BigInt(room.length))]);
  return value < 0 ? undefined : Buffer.from(room.subarray(0, value));
}

function require(call: string, passed: Parameters<typeof invoke>[1]): void {
  const { value, errno } = invoke(call, passed);
  if (value === -1) throw Object.assign(new Error(`${call} failed`), { code: errnoName(errno) });
}
