import { networkInterfaces } from 'node:os';
import { procLines } from '../evidence.js';
import { memory } from '../kernel/calls.js';
import { type Constant, constants } from '../kernel/constants.js';
import type { Kernel } from '../kernel/kernel.js';
import { unshares } from '../spec.js';
import type { Step } from '../step.js';

/** struct ifreq of netdevice(7): a name of 16 bytes, then the flags as a short. */
const ifreqSize = 40;
const flagsAt = 16;
const shownInterfaceFlags: readonly Constant[] = ['IFF_UP', 'IFF_LOOPBACK', 'IFF_RUNNING'];

function ifreq(flags: number): Buffer {
  const bytes = Buffer.alloc(ifreqSize);
  bytes.write('lo');
  bytes.writeInt16LE(flags, flagsAt);
  return bytes;
}

const flagNames = (flags: number): string =>
  shownInterfaceFlags.filter((name) => (flags & constants[name]) !== 0).join('|') || '0';

/** ioctl(2) on the interface `lo`; returns its flags afterwards. */
function interfaceFlags(
  kernel: Kernel,
  socket: number,
  request: 'SIOCGIFFLAGS' | 'SIOCSIFFLAGS',
  flags: number,
): number {
  const bytes = ifreq(flags);
  const shows = () => ({ ifr_name: 'lo', ifr_flags: flagNames(bytes.readInt16LE(flagsAt)) });
  kernel.call('ioctl', { fd: socket, request, argp: memory(bytes, shows) });
  return bytes.readInt16LE(flagsAt);
}

export const loopbackStep: Step = {
  id: 'loopback',
  stage: 'child',
  title: () => 'bring the loopback up',
  why:
    'A new network namespace has one interface, lo, and it is down: not even 127.0.0.1 answers. Once it is up, ' +
    'processes in the container can reach each other, and nothing else.',
  man: 'netdevice(7), network_namespaces(7)',
  shell: () => 'ip link set lo up',
  applies: (spec) => unshares(spec, 'net'),
  run: ({ kernel }) => {
    const socket = kernel.call('socket', {
      domain: 'AF_INET',
      type: ['SOCK_DGRAM', 'SOCK_CLOEXEC'],
      protocol: 0,
    });
    const flags = interfaceFlags(kernel, socket, 'SIOCGIFFLAGS', 0);
    interfaceFlags(kernel, socket, 'SIOCSIFFLAGS', flags | constants.IFF_UP);
    kernel.call('close', { fd: socket });
  },
  evidence: () => {
    const addresses = networkInterfaces().lo?.map(({ cidr }) => cidr) ?? [];
    // Node tells only of interfaces that are up and running.
    return { interfaces: interfaceNames(), lo: addresses.length > 0 ? 'UP' : 'DOWN', addresses };
  },
  summary: (before, after) => `lo: ${before.lo} → ${after.lo}, ${(after.addresses as string[]).join(' ')}`,
  shortfall: (_, after) =>
    (after.addresses as string[]).includes('127.0.0.1/8') ? undefined : 'lo has no address 127.0.0.1',
};

/** Every network interface there is, up or down: the names in proc_pid_net_dev(5), after two lines of headings. */
const interfaceNames = (): string[] =>
  procLines('/proc/self/net/dev')
    .slice(2)
    .map((line) => line.split(':')[0] as string);
