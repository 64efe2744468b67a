/** Root file systems to live in, and commands run in them. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Finished, folder, lacking, type RunOptions, root, run, type User } from '../../gontainer.js';

/** Why these tests cannot run here; false when they can. */
export const noBusybox = lacking('busybox');

/** Programs of busybox that the scripts of the tests use. */
const programs =
  'sh cat ls mount id stat readlink touch mkdir rm sleep df echo dd test find wc grep cut head'.split(' ');

/** The least that one can live in: a shell and a few programs in /bin, and nothing else, not even /proc. */
export function bareRoot(user: User = root): string {
  const path = join(folder(user), 'root');
  mkdirSync(join(path, 'bin'), { recursive: true });
  const busybox = spawnSync('which', ['busybox'], { encoding: 'utf8' }).stdout.trim();
  copyFileSync(busybox, join(path, 'bin/busybox'));
  chmodSync(join(path, 'bin/busybox'), 0o755);
  for (const name of programs) symlinkSync('busybox', join(path, 'bin', name));
  own(path, user);
  return path;
}

/** Gives a tree to a user. */
export function own(path: string, { uid, gid }: User): void {
  if (process.getuid?.() !== 0) return;
  lchownSync(path, uid, gid);
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }))
    lchownSync(join(path, name), uid, gid);
}

/** Runs a shell script in a new root, in all eight namespaces. */
export const inside = (
  path: string,
  options: readonly string[],
  script: string,
  user: User,
  more: RunOptions = {},
): Promise<Finished> =>
  run(['run', '--quiet', '--all', '--mnt', path, ...options, '--', '/bin/sh', '-c', script], {
    ...more,
    user,
  });

/**
 * Words that run what follows them as a user in a mount namespace of its own, where `script` was run by root first. So
 * a test can mount as it likes, and nothing of it stays.
 */
export const afterMounting = (script: string, { uid, gid }: User): string[] => [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-ec'],
  `${script}\nexec setpriv --reuid=${uid} --regid=${gid} --clear-groups "$@"`,
  'sh',
];

/** The mount table of this process, without the counters that change by themselves. */
export const hostMounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8');

/** Every path below a folder, to tell whether anything was added or removed. */
export const paths = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
