/**
 * One header block of a tar archive: pax(1), "ustar Interchange Format", and GNU tar's "Basic Tar Format". Names are
 * bytes: they are kept as strings in which each character is one byte (Node's `latin1`).
 */

export const block = 512;

export interface Header {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the body as stored. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** The type flag, one character; a zero byte is `0`. */
  readonly type: string;
  readonly target: string;
  /** Where the block itself is, in which some types keep more; valid until more of the archive is read. */
  readonly bytes: Buffer;
  readonly at: number;
}

export const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

/** The header at a place in some bytes. @returns undefined if the checksum is wrong: no header */
export function parseHeader(bytes: Buffer, at: number): Header | undefined {
  if (!hasChecksum(bytes, at)) return undefined;
  const type = bytes[at + 156] || 0x30;
  return {
    name: fullName(bytes, at),
    mode: number(bytes, at + 100, 8),
    uid: number(bytes, at + 108, 8),
    gid: number(bytes, at + 116, 8),
    size: number(bytes, at + 124, 12),
    modified: number(bytes, at + 136, 12),
    type: String.fromCharCode(type),
    target: text(bytes, at + 157, 100),
    bytes,
    at,
  };
}

/** Bytes up to the first zero. */
function text(bytes: Buffer, at: number, length: number): string {
  if (bytes[at] === 0) return '';
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, end === -1 ? at + length : Math.min(end, at + length));
}

/**
 * A number of a header: octal digits, or, with the first bit set, GNU's base 256, a signed number of as many bytes as
 * the field has. A byte that is not a digit ends it, as it does for other readers. Above 2^53 it is the nearest that a
 * double holds.
 */
export function number(bytes: Buffer, at: number, length: number): number {
  const first = bytes[at] as number;
  if ((first & 0x80) !== 0) {
    const value = BigInt(`0x${bytes.toString('hex', at, at + length)}`);
    // 0x80 is only the mark; with 0xff the number is negative.
    return Number(
      first === 0xff ? value - (1n << BigInt(8 * length)) : value - (0x80n << BigInt(8 * (length - 1))),
    );
  }
  const [space, minus, zero, seven] = [0x20, 0x2d, 0x30, 0x37];
  let from = at;
  const end = at + length;
  while (from < end && (bytes[from] === space || bytes[from] === 0)) from += 1;
  const negative = bytes[from] === minus;
  if (negative) from += 1;
  // No field has more digits than a double holds.
  let value = 0;
  for (; from < end; from++) {
    const digit = bytes[from] as number;
    if (digit < zero || digit > seven) break;
    value = value * 8 + digit - zero;
  }
  return negative ? -value : value;
}

/** POSIX has a second field for the first half of a long name; GNU keeps other things there. */
function fullName(bytes: Buffer, at: number): string {
  const name = text(bytes, at, 100);
  if (bytes[at + 345] === 0 || bytes.toString('latin1', at + 257, at + 263) !== 'ustar\0') return name;
  // star(1) marks its headers at their end, and has its times behind a shorter field.
  const isStar = bytes.toString('latin1', at + 508, at + 512) === 'tar\0';
  return `${text(bytes, at + 345, isStar ? 131 : 155)}/${name}`;
}

/** The sum of all bytes, the field itself taken as eight spaces. Old tars took bytes for signed numbers. */
function hasChecksum(bytes: Buffer, at: number): boolean {
  const stored = number(bytes, at + 148, 8);
  let sum = 8 * 32;
  for (let place = at; place < at + block; place++) sum += bytes[place] as number;
  for (let place = at + 148; place < at + 156; place++) sum -= bytes[place] as number;
  if (stored === sum) return true;
  let signed = sum;
  for (let place = at; place < at + block; place++) {
    const isOwn = place >= at + 148 && place < at + 156;
    if (!isOwn && (bytes[place] as number) >= 128) signed -= 256;
  }
  return stored === signed;
}
