/** What Node has no call for: times to the nanosecond, and extended attributes. Links are not followed. */

import { futimesSync, lutimesSync } from 'node:fs';
import { errnoName } from './errno.js';
import { bytes, int, invoke, pointer } from './libc.js';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const second = 1_000_000_000n;

const terminated = (text: Buffer) => bytes(Buffer.concat([text, Buffer.alloc(1)]));

/**
 * Sets when a file was last read and changed: utimensat(2). The kernel moves a time that the file system cannot keep to
 * the nearest that it can.
 * @param time nanoseconds since 1970
 * @throws the name of the errno as an Error's code
 */
export function setTimes(path: Buffer, time: bigint): void {
  const whole = wholeSeconds(time);
  if (whole !== undefined) lutimesSync(path, whole, whole);
  else
    require('utimensat', [int(AT_FDCWD), terminated(path), bytes(timesOf(time)), int(AT_SYMLINK_NOFOLLOW)]);
}

/** The same for an open file: futimens(3). */
export function setTimesOfOpen(file: number, time: bigint): void {
  const whole = wholeSeconds(time);
  if (whole !== undefined) futimesSync(file, whole, whole);
  else require('futimens', [int(file), bytes(timesOf(time))]);
}

/** What Node can set exactly, and faster: it takes seconds as a binary fraction. */
function wholeSeconds(time: bigint): number | undefined {
  return time % second === 0n && time >= 0n && time < second << 32n ? Number(time / second) : undefined;
}

function timesOf(time: bigint): Buffer {
  const seconds = time >= 0n ? time / second : -((-time + second - 1n) / second);
  const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];
  const times = Buffer.alloc(32);
  for (const at of [0, 16]) {
    times.writeBigInt64LE(seconds < least ? least : seconds > most ? most : seconds, at);
    times.writeBigInt64LE(time - seconds * second, at + 8);
  }
  return times;
}

/** Sets an extended attribute: lsetxattr(2). @throws the name of the errno as an Error's code */
export function setAttribute(path: Buffer, name: string, value: Buffer): void {
  // A buffer of no bytes has no address.
  const content = value.length === 0 ? pointer(0n) : bytes(value);
  const named = terminated(Buffer.from(name, 'latin1'));
  require('lsetxattr', [terminated(path), named, content, pointer(BigInt(value.length)), int(0)]);
}

/** What llistxattr(2) and lgetxattr(2) give at most: xattr(7), "Limits on extended attributes". */
const room = Buffer.alloc(65_536);

/**
 * The extended attributes of a file that this process may see, by name, in their order: llistxattr(2), lgetxattr(2).
 * None where the file system has no such thing.
 */
export function attributesOf(path: Buffer): Map<string, Buffer> {
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

function require(call: string, passed: Parameters<typeof invoke>[1]): void {
  const { value, errno } = invoke(call, passed);
  if (value === -1) throw Object.assign(new Error(`${call} failed`), { code: errnoName(errno) });
}
