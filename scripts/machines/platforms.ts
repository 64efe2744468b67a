/** What virtual machines run on: the program that starts one, and how what it is made of is given to it. */
import type { StdioOptions } from 'node:child_process';
import type { Platform } from './debian.js';

/** What a machine is made of. */
interface Parts {
  readonly kernel: string;
  readonly initramfs: string;
  /** The images of its tree and of what is placed on it. */
  readonly disks: readonly [string, string];
  /** In MiB. */
  readonly memory: number;
  readonly cores: number;
  /** Where its console is written. */
  readonly console: string;
  /** The kernel's command line. */
  readonly words: string;
}

interface Start {
  readonly file: string;
  readonly words: readonly string[];
}

interface Starting {
  readonly start: (parts: Parts) => Start;
  /** What the program's descriptors are, and which of them are the channel's: where it reads questions, and writes answers. */
  readonly stdio: StdioOptions;
  readonly channel: readonly [number, number];
  /** What the two disks are called inside, less their last letter, and the channel. */
  readonly inside: { readonly disks: string; readonly channel: string };
  /** What the kernel needs until it sees its disks. */
  readonly modules: readonly string[];
}

/** Emulated throughout: where the processor could help, a machine of another processor would still not be helped. */
const qemu = (file: string, machine: readonly string[], console: string): Starting => ({
  start: (parts) => ({
    file,
    words: [
      ...machine,
      ...['-accel', 'tcg,thread=multi', '-smp', `${parts.cores}`, '-m', `${parts.memory}`],
      ...['-nodefaults', '-nographic', '-no-reboot', '-serial', `file:${parts.console}`],
      ...['-kernel', parts.kernel, '-initrd', parts.initramfs],
      ...parts.disks.flatMap((path, at) => [
        ...['-drive', `if=none,id=disk${at},format=raw,file=${path},readonly=on,cache=unsafe`],
        ...['-device', `virtio-blk-pci,drive=disk${at}`],
      ]),
      ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
      ...['-chardev', 'stdio,id=agent,signal=off', '-device', 'virtserialport,chardev=agent'],
      // On a busy host the timer comes so late that the kernel takes it for broken.
      ...['-append', `console=${console} panic=-1 no_timer_check ${parts.words}`],
    ],
  }),
  stdio: ['pipe', 'pipe', 'pipe'],
  channel: [0, 1],
  inside: { disks: '/dev/vd', channel: '/dev/vport*p1' },
  modules: ['virtio_pci', 'virtio_blk', 'virtio_console', 'virtio_rng', 'crc32c_generic', 'ext4'],
});

/** A kernel that is a process: it has one processor, and no time namespaces. */
const userMode: Starting = {
  start: (parts) => ({
    file: parts.kernel,
    words: [
      ...[`mem=${parts.memory}M`, `initrd=${parts.initramfs}`],
      ...parts.disks.map((path, at) => `ubd${at}r=${path}`),
      // What it makes of its own goes with the machine; and its console is what it prints.
      ...[`uml_dir=${parts.console}.folder`, 'con=null', 'con0=null,fd:2', 'ssl=null', 'ssl0=fd:3,fd:4'],
      ...['panic=-1', ...parts.words.split(' ')],
    ],
  }),
  stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  channel: [3, 4],
  inside: { disks: '/dev/ubd', channel: '/dev/ttyS0' },
  modules: [],
};

export const platforms: Readonly<Record<Platform, Starting>> = {
  amd64: qemu('qemu-system-x86_64', ['-M', 'q35', '-cpu', 'max'], 'ttyS0'),
  arm64: qemu(
    'qemu-system-aarch64',
    // Pointer authentication by its own algorithm takes most of the time, and nothing here depends on it.
    ['-M', 'virt,gic-version=3', '-cpu', 'max,pauth-impdef=on,sve=off'],
    'ttyAMA0',
  ),
  process: userMode,
};
