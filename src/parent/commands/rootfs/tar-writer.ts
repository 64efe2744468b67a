/** Writes a folder as a tar archive: ustar, with pax records where a value does not fit (pax(1)). Names are bytes. */
import { type BigIntStats, createReadStream, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { portableAttributes } from '../../images/archive/extended-attributes.js';
import { block } from '../../images/archive/tar-header.js';

export type OwnerMap = (id: number) => number;

interface Owners {
  readonly users: OwnerMap;
  readonly groups: OwnerMap;
}

/** The pieces of the archive, entries sorted by name; sockets, which only a running program can use, are left out. */
export async function* tarOf(root: string, owners: Owners): AsyncGenerator<Buffer> {
  const top = Buffer.from(root);
  const firstNames = new Map<string, string>();
  const waiting = ['.'];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const path = Buffer.concat([top, Buffer.from(`/${name}`, 'latin1')]);
    const stats = lstatSync(path, { bigint: true });
    const type = typeOf(stats);
    if (type === undefined) continue;
    const key = `${stats.dev}:${stats.ino}`;
    const first = stats.isDirectory() ? undefined : firstNames.get(key);
    if (stats.nlink > 1n) firstNames.set(key, name);
    if (first !== undefined) {
      yield header({ name, type: '1', target: first, stats, owners });
      continue;
    }
    const target = stats.isSymbolicLink() ? readlinkSync(path, 'latin1') : '';
    const attributes = portableAttributes(path);
    yield header({ name: stats.isDirectory() ? `${name}/` : name, type, target, stats, owners, attributes });
    if (type === '0') yield* body(path, stats.size);
    if (!stats.isDirectory()) continue;
    const names = readdirSync(path, { encoding: 'latin1' }).sort();
    waiting.unshift(...names.map((below) => (name === '.' ? below : `${name}/${below}`)));
  }
  yield Buffer.alloc(2 * block);
}

function typeOf(stats: BigIntStats): string | undefined {
  if (stats.isFile()) return '0';
  if (stats.isSymbolicLink()) return '2';
  if (stats.isCharacterDevice()) return '3';
  if (stats.isBlockDevice()) return '4';
  if (stats.isDirectory()) return '5';
  return stats.isFIFO() ? '6' : undefined;
}

/** As many bytes as the header said, whatever happens to the file meanwhile. */
async function* body(path: Buffer, size: bigint): AsyncGenerator<Buffer> {
  let left = Number(size);
  if (left > 0) {
    const stream = createReadStream(path, { end: left - 1, highWaterMark: 256 * 1024 });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      left -= chunk.length;
      yield chunk;
    }
  }
  if (left > 0) throw new Error('a file became shorter while it was read');
  yield Buffer.alloc(Number(-size & 511n));
}

interface Member {
  readonly name: string;
  readonly type: string;
  readonly target: string;
  readonly stats: BigIntStats;
  readonly owners: Owners;
  readonly attributes?: readonly (readonly [name: string, value: Buffer])[];
}

const second = 1_000_000_000n;
/** What eleven and seven octal digits hold. */
const [largestLong, largestShort] = [8n ** 11n - 1n, 8n ** 7n - 1n];

function header({ name, type, target, stats, owners, attributes = [] }: Member): Buffer {
  const size = type === '0' ? stats.size : 0n;
  const [user, group] = [BigInt(owners.users(Number(stats.uid))), BigInt(owners.groups(Number(stats.gid)))];
  const time = stats.mtimeNs;
  const seconds = time >= 0n ? time / second : -1n;
  const records: (readonly [string, string])[] = [];
  if (name.length > 100) records.push(['path', name]);
  if (target.length > 100) records.push(['linkpath', target]);
  if (size > largestLong) records.push(['size', String(size)]);
  if (user > largestShort) records.push(['uid', String(user)]);
  if (group > largestShort) records.push(['gid', String(group)]);
  if (time % second !== 0n || time < 0n || seconds > largestLong) records.push(['mtime', decimal(time)]);
  // As star(1) wrote them first; GNU tar, bsdtar and docker read them.
  for (const [attribute, value] of attributes)
    records.push([`SCHILY.xattr.${attribute}`, value.toString('latin1')]);
  const fields = { size, user, group, seconds: seconds < 0n ? 0n : seconds };
  const own = basic(name, type, target, stats, fields);
  if (records.length === 0) return own;
  const text = Buffer.concat(records.map(([key, value]) => record(key, value)));
  const plain = { size: BigInt(text.length), user: 0n, group: 0n, seconds: 0n };
  const extended = basic('PaxHeader', 'x', '', undefined, plain);
  return Buffer.concat([extended, text, Buffer.alloc(-text.length & (block - 1)), own]);
}

interface Fields {
  readonly size: bigint;
  readonly user: bigint;
  readonly group: bigint;
  readonly seconds: bigint;
}

function basic(
  name: string,
  type: string,
  target: string,
  stats: BigIntStats | undefined,
  { size, user, group, seconds }: Fields,
): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: bigint, at: number, length: number, most: bigint): void => {
    bytes.write((value > most ? 0n : value).toString(8).padStart(length - 1, '0'), at, 'latin1');
  };
  bytes.write(name.slice(0, 100), 0, 'latin1');
  octal((stats?.mode ?? 0o644n) & 0o7777n, 100, 8, largestShort);
  octal(user, 108, 8, largestShort);
  octal(group, 116, 8, largestShort);
  octal(size, 124, 12, largestLong);
  octal(seconds, 136, 12, largestLong);
  bytes.write(type, 156, 'latin1');
  bytes.write(target.slice(0, 100), 157, 'latin1');
  bytes.write('ustar\x0000', 257, 'latin1');
  if (type === '3' || type === '4') {
    // makedev(3) of glibc: both numbers are spread over 64 bits.
    const device = stats?.rdev ?? 0n;
    octal(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn), 329, 8, largestShort);
    octal((device & 0xffn) | ((device >> 12n) & ~0xffn), 337, 8, largestShort);
  }
  bytes.fill(' ', 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

/** "%d %s=%s\n", the length counting itself. */
function record(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`, 'latin1');
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Seconds with nine digits behind the point. */
function decimal(time: bigint): string {
  const amount = time < 0n ? -time : time;
  return `${time < 0n ? '-' : ''}${amount / second}.${String(amount % second).padStart(9, '0')}`;
}
