/** The network as a watched process sees it: /proc/PID/net (proc_pid_net(5)), which has that of its own namespace. */
import { readFileSync } from 'node:fs';
import type { SocketAddress } from './socket-address.js';

interface Route {
  readonly network: bigint;
  readonly mask: bigint;
}

const lines = (thread: number, file: string): string[] => {
  try {
    return readFileSync(`/proc/${thread}/net/${file}`, 'latin1').split('\n').filter(Boolean);
  } catch {
    return [];
  }
};

const interfaces = (thread: number): string[] =>
  lines(thread, 'dev').flatMap((line) => /^\s*([^:\s]+):/.exec(line)?.[1] ?? []);

/** Four bytes each, in the order of the machine: little-endian. */
const word = (hex = '0'): bigint => BigInt(Buffer.from(hex, 'hex').readUInt32LE(0));

const routes = (thread: number): Route[] =>
  lines(thread, 'route')
    .slice(1)
    .map((line) => line.split('\t'))
    .map((fields) => ({ network: word(fields[1]), mask: word(fields[7]) }));

const routes6 = (thread: number): Route[] =>
  lines(thread, 'ipv6_route')
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

/** Whether the kernel has a way to an address, by its tables; true where that cannot be seen. */
export function hasRoute(thread: number, address: SocketAddress): boolean {
  if (!('host' in address) || interfaces(thread).length === 0) return true;
  const { host } = address;
  if (address.family === 'AF_INET') {
    const number = host.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    if (host.startsWith('127.') || number === 0n) return true;
    return leadsTo(number, routes(thread));
  }
  if (host === '::1' || host === '::' || host.startsWith('::ffff:')) return true;
  return leadsTo(number6(host), routes6(thread));
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
