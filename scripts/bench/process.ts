/**
 * Starting a process and waiting for it with as little in between as there can be: posix_spawn(3), which does not copy
 * this process, and wait4(2), which tells what the process and all that it waited for have used.
 */
import { openSync } from 'node:fs';
import { dirname } from 'node:path';
import { Arena } from '../../src/common/kernel/arena.js';
import { bytes, int, invoke, type Passed, pointer, text } from '../../src/common/kernel/libc.js';

/** What one run of a program took, in milliseconds. */
export interface Usage {
  readonly wall: number;
  /** User and system time of the process and of all below it that were waited for. */
  readonly cpu: number;
}

export interface Program {
  readonly words: readonly string[];
  /** The node that a program of ours finds first in PATH. */
  readonly node?: string | undefined;
  /** The path of a terminal, which becomes the controlling one of a session of its own; without it /dev/null. */
  readonly terminal?: string | undefined;
  /** A file for standard error where there is no terminal. */
  readonly errors?: string | undefined;
}

/** What programs are started with: nothing that would change how Node starts. */
export const environment = (node?: string): Record<string, string> => ({
  PATH: [...(node === undefined ? [] : [dirname(node)]), process.env.PATH ?? '/usr/bin:/bin'].join(':'),
  HOME: '/',
  TERM: 'xterm-256color',
  XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? '',
});

// <spawn.h>, and the flags of open(2).
const [POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSID] = [0x04, 0x80];
const [O_RDWR, O_WRONLY_O_CREAT_O_TRUNC] = [0o2, 0o1101];

/** Starts a program, with descriptors 0, 1 and 2 and no signal ignored or blocked; returns its process ID. */
export function start({ words, node, terminal, errors }: Program): number {
  const [actions, attributes, signals] = [Buffer.alloc(256), Buffer.alloc(512), Buffer.alloc(128, 0xff)];
  const pid = Buffer.alloc(4);
  must('posix_spawn_file_actions_init', [bytes(actions)]);
  const nowhere = terminal ?? '/dev/null';
  const open = (fd: number, path: string, mode: number): void =>
    must('posix_spawn_file_actions_addopen', [bytes(actions), int(fd), text(path), int(mode), int(0o600)]);
  for (const fd of [0, 1, 2]) open(fd, nowhere, O_RDWR);
  if (errors !== undefined) open(2, errors, O_WRONLY_O_CREAT_O_TRUNC);
  must('posix_spawnattr_init', [bytes(attributes)]);
  must('posix_spawnattr_setsigdefault', [bytes(attributes), bytes(signals)]);
  const session = terminal === undefined ? 0 : POSIX_SPAWN_SETSID;
  must('posix_spawnattr_setflags', [bytes(attributes), int(POSIX_SPAWN_SETSIGDEF | session)]);
  const memory = new Arena();
  const [argv, envp] = [
    memory.texts(words),
    memory.texts(Object.entries(environment(node)).map((e) => e.join('='))),
  ];
  memory.commit();
  must('posix_spawnp', [
    bytes(pid),
    text(words[0] as string),
    bytes(actions),
    bytes(attributes),
    pointer(argv),
    pointer(envp),
  ]);
  memory.release();
  return pid.readInt32LE(0);
}

/** Waits for a process, -1 for whichever ends first, which must end with status 0. */
export function wait(pid: number): { pid: number; cpu: number } {
  const [status, usage] = [Buffer.alloc(4), Buffer.alloc(144)];
  const { value, errno } = invoke('wait4', [int(pid), bytes(status), int(0), bytes(usage)]);
  if (value < 0) throw new Error(`wait4 failed with errno ${errno}`);
  if (status.readInt32LE(0) !== 0)
    throw new Error(`a program ended with wait status ${status.readInt32LE(0)}`);
  // struct rusage begins with two of struct timeval: user and system time.
  const time = (at: number): number =>
    Number(usage.readBigInt64LE(at)) * 1000 + Number(usage.readBigInt64LE(at + 8)) / 1000;
  return { pid: value, cpu: time(0) + time(16) };
}

/** Runs a program to its end. */
export function run(program: Program): Usage {
  const began = process.hrtime.bigint();
  const pid = start(program);
  try {
    const { cpu } = wait(pid);
    return { wall: Number(process.hrtime.bigint() - began) / 1e6, cpu };
  } catch (cause) {
    throw new Error(`${program.words.join(' ')} failed`, { cause });
  }
}

/** Opens a pseudo-terminal: pts(4). What is written to it has to be read from the master's end. */
export function openTerminal(): { readonly master: number; readonly path: string } {
  const master = openSync('/dev/ptmx', 'r+');
  const name = Buffer.alloc(64);
  must('unlockpt', [int(master)]);
  must('ptsname_r', [int(master), bytes(name), pointer(64n)]);
  return { master, path: name.toString('utf8', 0, name.indexOf(0)) };
}

function must(name: string, passed: readonly Passed[]): void {
  const { value } = invoke(name, passed);
  if (value !== 0) throw new Error(`${name} failed with ${value}`);
}
