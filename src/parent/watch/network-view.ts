/** The network as a watched process sees it: /proc/PID/net (proc_pid_net(5)), which has that of its own namespace. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { SocketAddress } from './socket-address.js';

interface Route {
  readonly network: bigint;
  readonly mask: bigint;
}

/** Longer tables, as those of routers are, are not read to their end. */
const longestTable = 256 * 1024;

/** The lines of a table; undefined where it cannot be read, and `whole` false where there are more. */
function linesOf(thread: number, file: string): { lines: string[]; whole: boolean } | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(`/proc/${thread}/net/${file}`, 'r');
    const room = Buffer.allocUnsafe(longestTable);
    let length = 0;
    for (let got = -1; got !== 0 && length < longestTable; length += got)
      got = readSync(descriptor, room, length, longestTable - length, null);
    const lines = room.toString('latin1', 0, length).split('\n').slice(0, -1);
    return { lines, whole: length < longestTable };
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

const interfaces = (thread: number): string[] =>
  (linesOf(thread, 'dev')?.lines ?? []).flatMap((line) => /^\s*([^:\s]+):/.exec(line)?.[1] ?? []);

/** Four bytes each, in the order of the machine: little-endian. */
const word = (hex = '0'): bigint => BigInt(Buffer.from(hex, 'hex').readUInt32LE(0));

const routes = (lines: readonly string[]): Route[] =>
  lines
    .slice(1)
    .map((line) => line.split('\t'))
    .map((fields) => ({ network: word(fields[1]), mask: word(fields[7]) }));

const routes6 = (lines: readonly string[]): Route[] =>
  lines
    .map((line) => line.trim().split(/\s+/))
    // The kernel's own refusals of what has no route go by lo.
    .filter((fields) => fields[9] !== 'lo')
    .map(([network = '0', length = '0']) => {
      const rest = 128n - BigInt(`0x${length}`);
      return { network: BigInt(`0x${network}`), mask: ((1n << 128n) - 1n) ^ ((1n << rest) - 1n) };
    });

/** `only lo is there, no route`, `interfaces lo and eth0`. */
export function shownNetwork(thread: number): string {
  const names = interfaces(thread);
  if (names.length === 0) return 'its interfaces cannot be seen';
  if (names.length === 1 && names[0] === 'lo') return 'only lo is there, no route';
  const shown = names.length > 4 ? `${names.slice(0, 4).join(', ')} and more` : names.join(', ');
  return `its interfaces are ${shown}`;
}

/** Whether the kernel has a way to an address, by its tables; true where those cannot be seen as a whole. */
export function hasRoute(thread: number, address: SocketAddress): boolean {
  if (!('host' in address)) return true;
  const { host } = address;
  if (address.family === 'AF_INET') {
    const number = host.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    if (host.startsWith('127.') || number === 0n) return true;
    const table = linesOf(thread, 'route');
    return !table?.whole || leadsTo(number, routes(table.lines));
  }
  if (host === '::1' || host === '::' || host.startsWith('::ffff:')) return true;
  const table = linesOf(thread, 'ipv6_route');
  return !table?.whole || leadsTo(number6(host), routes6(table.lines));
}

const leadsTo = (number: bigint, table: readonly Route[]): boolean =>
  table.some(({ network, mask }) => (number & mask) === (network & mask));

/** The number of an address as socket-address.ts writes it. */
function number6(host: string): bigint {
  const [head = '', tail] = host.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array<string>(zeros).fill('0'), ...last].reduce(
    (sum, group) => sum * 0x10000n + BigInt(`0x${group}`),
    0n,
  );
}
