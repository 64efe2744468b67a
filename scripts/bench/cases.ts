/** What is measured: the programs that take turns, for each version of Node. */

import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { openTerminal, type Program } from './process.js';

/** Where the bench works: this program's built file, a root file system, and a folder to write to. */
export interface Place {
  readonly program: string;
  readonly rootfs: string;
  readonly scratch: string;
}

export interface Case {
  readonly id: string;
  /** What the table calls it. */
  readonly title: string;
  readonly program: Program;
  /** How many bare start-ups of Node it is compared with; none for programs that are not Node. */
  readonly floor?: number;
  /** The case that starts Node bare under the same conditions, where these are not the usual ones. */
  readonly bare?: string;
  /** The most that its wall time may be, in that floor. */
  readonly target?: number;
  /** The log that the program writes. */
  readonly log?: string;
}

/** The launch that everything is about, as words of gontainer. */
export const furnished = ({ rootfs }: Place): string[] => ['run', '--all', '--mnt', rootfs];
const command = ['--', '/bin/true'];

/** Bare Node, and gontainer in each of its modes, with one Node: its version, and where it is. */
export function nodeCases(version: string, node: string, place: Place, terminal: string): Case[] {
  // Node 20 starts so fast that what is ours weighs more.
  const launch = version.startsWith('20.') ? 1.4 : 1.3;
  const { program, scratch } = place;
  const errors = join(scratch, 'errors');
  const logged = (name: string) => {
    const log = join(scratch, name);
    return { log, option: ['--log-file', log] };
  };
  const [furnishedLog, plainLog] = [logged('furnished.log'), logged('plain.log')];
  // As a user starts it: by the shell at the head of the program, whose time counts.
  const ours = (...words: string[]): Program => ({ words: [program, ...words], node, errors });
  return [
    { id: 'bare', title: '`node -e 0`', program: { words: [node, '-e', '0'] } },
    {
      id: 'launch',
      title: '`run --all --mnt DIR`, log file',
      floor: 2,
      target: launch,
      program: ours(...furnished(place), ...furnishedLog.option, ...command),
      log: furnishedLog.log,
    },
    {
      id: 'pretty',
      title: '`run --all --mnt DIR`, pretty log on a terminal',
      floor: 2,
      target: launch + 0.05,
      program: { ...ours(...furnished(place), ...command), terminal },
    },
    {
      id: 'quiet',
      title: '`run --all --mnt DIR --quiet`',
      floor: 2,
      program: ours(...furnished(place), '--quiet', ...command),
    },
    {
      id: 'plain',
      title: '`run --all`, log file',
      floor: 2,
      program: ours('run', '--all', ...plainLog.option, ...command),
      log: plainLog.log,
    },
    {
      id: 'uid',
      title: '`run --uid --quiet`',
      floor: 2,
      target: 1.2,
      program: ours('run', '--uid', '--quiet', ...command),
    },
    {
      id: 'version',
      title: '`--version`',
      floor: 1,
      target: 1.15,
      program: ours('--version'),
    },
    {
      id: 'help',
      title: '`--help`',
      floor: 1,
      target: 1.15,
      program: ours('--help'),
    },
    { id: 'bare-one-core', title: '`node -e 0`, one core', program: onOneCore({ words: [node, '-e', '0'] }) },
    {
      id: 'one-core',
      title: '`run --all --mnt DIR --quiet`, one core',
      floor: 2,
      bare: 'bare-one-core',
      program: onOneCore(ours(...furnished(place), '--quiet', ...command)),
    },
  ];
}

/** Where nothing can run beside anything else: taskset(1). */
const onOneCore = (program: Program): Program => ({
  ...program,
  words: ['taskset', '--cpu-list', '0', ...program.words],
});

/** The words of a command line, none of which has a blank in it. */
const words = (line: string): string[] => line.trim().split(/\s+/);

/** The same work done by others. */
export const otherCases = ({ rootfs }: Place): Case[] => [
  {
    id: 'unshare',
    title: 'unshare(1)',
    program: {
      words: words(`unshare --map-root-user --mount --uts --ipc --net --pid --cgroup --time
        --fork --mount-proc --root=${rootfs} /bin/true`),
    },
  },
  {
    id: 'bwrap',
    title: 'bubblewrap',
    program: {
      words: words(`bwrap --unshare-all --unshare-user --uid 0 --gid 0 --hostname Gontainer
        --bind ${rootfs} / --proc /proc --dev /dev --ro-bind /sys /sys /bin/true`),
    },
  },
];

/** A terminal that is read by somebody, who ends with this process. */
export function readTerminal(): { readonly path: string; release(): void } {
  const { master, path } = openTerminal();
  // Held open, or the reader would see its end between two programs.
  openSync(path, 'r+');
  const reader = spawn('cat', { stdio: [master, 'ignore', 'ignore'] });
  return { path, release: () => reader.kill() };
}
