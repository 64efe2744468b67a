/** The records of a pax header: `LENGTH KEY=VALUE\n`, one after another, in bytes: pax(1), "pax Extended Header". */

import type { Moment } from '../../../common/kernel/file-attributes.js';

export type PaxRecord = readonly [key: string, value: string];

/** @returns the records in their order, as some mean something by it; undefined if they are damaged */
export function parsePaxRecords(bytes: Buffer): PaxRecord[] | undefined {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const digits = /^(\d{1,10}) /.exec(bytes.toString('latin1', at, at + 11))?.[1];
    // Some writers fill the rest of the block, and its size, with zeros.
    if (digits === undefined) return bytes.subarray(at).every((byte) => byte === 0) ? records : undefined;
    const end = at + Number(digits);
    const record = bytes.toString('latin1', at + digits.length + 1, end);
    const equals = record.indexOf('=');
    if (end > bytes.length || equals < 1 || !record.endsWith('\n')) return undefined;
    records.push([record.slice(0, equals), record.slice(equals + 1, -1)]);
    at = end;
  }
  return records;
}

/**
 * A time in seconds, with a fraction or without; undefined if it is none. What is finer than a nanosecond is cut off, and so
 * is what follows the number, as other readers do.
 */
export function paxTime(value: string | undefined): Moment | undefined {
  if (value === undefined) return undefined;
  const [whole, sign, digits, fraction = ''] = /^(-?)(\d{1,20})(?:\.(\d*))?/.exec(value) ?? [];
  if (whole === undefined) return undefined;
  const [seconds, nanoseconds] = [Number(digits), Number(fraction.slice(0, 9).padEnd(9, '0'))];
  if (sign === '') return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: -seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

/**
 * The extended attributes among some records: SCHILY's as they are; libarchive's, whose names are URL-encoded and whose
 * values are in base 64, where there is no other. Access control lists and labels have records of their own, and are
 * attributes to Linux too.
 */
export function paxAttributes(records: ReadonlyMap<string, string>): ReadonlyMap<string, Buffer> {
  if (records.size === 0) return noAttributes;
  const attributes = new Map<string, Buffer>();
  for (const [key, value] of records) {
    const name = /^LIBARCHIVE\.xattr\.(.+)$/s.exec(key)?.[1];
    if (name === undefined) continue;
    const decoded = name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    attributes.set(decoded, Buffer.from(value, 'base64'));
  }
  for (const [key, value] of records) {
    const name = isAttribute(key) ? key.slice(attributePrefix.length) : specialAttribute(key);
    if (name !== undefined) attributes.set(name, Buffer.from(value, 'latin1'));
  }
  return attributes;
}

const attributePrefix = 'SCHILY.xattr.';

/** Of an attribute, no value is a value; of any other record, it takes away what was said before. */
export const isAttribute = (key: string): boolean =>
  key.startsWith(attributePrefix) && key.length > attributePrefix.length;

function specialAttribute(key: string): string | undefined {
  if (key === 'RHT.security.selinux') return 'security.selinux';
  const [, list] = /^SCHILY\.acl\.(\w+)$/.exec(key) ?? [];
  return list && `system.posix_acl_${list}`;
}

const noAttributes: ReadonlyMap<string, Buffer> = new Map();
