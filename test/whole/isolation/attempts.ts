/**
 * The boundaries of a container, each tried from inside by a probe (probe.cjs). The tests beside this file make every
 * attempt twice: it is held where its boundary is, and gets out where that is left out, so that the test is seen to be
 * able to fail. Here is what they share.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { own } from '../../common/steps/root-file-systems.js';
import { endWithTest, folder, node, program, run, type User } from '../../gontainer.js';

export const asRoot = process.getuid?.() === 0 ? false : 'needs root';
const here = dirname(fileURLToPath(import.meta.url));
export const word = 'only on the host';

/** Where the probe, and the packages that it needs, lie for every user. */
const packages = join(dirname(program), '../node_modules');
const probes = folder();
copyFileSync(join(here, 'probe.cjs'), join(probes, 'probe.cjs'));
symlinkSync(packages, join(probes, 'node_modules'));
export const probe = [node, join(probes, 'probe.cjs')];

/** A new root in which node runs: the host's programs, read-only, and nothing else of the host. */
export function newRoot(user: User): string[] {
  const path = join(folder(user), 'root');
  for (const name of ['tmp', 'usr', 'probe', 'host']) mkdirSync(join(path, name), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(path, name));
  for (const name of ['node', 'probe.cjs']) writeFileSync(join(path, 'probe', name), '');
  mkdirSync(join(path, 'probe/node_modules'));
  own(path, user);
  const binds = [
    '/usr:/usr:ro',
    `${node}:/probe/node:ro`,
    `${join(here, 'probe.cjs')}:/probe/probe.cjs:ro`,
    `${packages}:/probe/node_modules:ro`,
  ];
  return ['--mnt', path, ...binds.flatMap((bind) => ['--bind', bind])];
}

/** A file of the host that no root file system has. */
export function secret(user: User): string {
  const path = join(folder(user), 'secret');
  writeFileSync(path, word);
  chmodSync(path, 0o644);
  return path;
}

/** What the probe says in a container with these options. */
export async function tried(
  options: readonly string[],
  attempt: readonly string[],
  user: User,
): Promise<string> {
  const words = ['run', '--quiet', ...options, '--', ...probeIn(options), ...attempt];
  const { status, stdout, stderr } = await run(words, { user });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

/**
 * The command that runs a shell script with descriptor 9 for the child's end of the channel to its launcher, which takes
 * to be root in the container's user namespace (pidfd_getfd(2)).
 */
export const withChannel = (options: readonly string[], script: string): string[] => [
  ...probeIn(options),
  ...['with-descriptor', '1', '3', script],
];

const probeIn = (options: readonly string[]): string[] =>
  options.includes('--mnt') ? ['/probe/node', '/probe/probe.cjs'] : probe;

/** A process of the host that a container must not touch. */
export function bystander(user: User): {
  pid: string;
  ended: Promise<NodeJS.Signals | null>;
  end: () => void;
} {
  const child = endWithTest(spawn('sleep', ['1000'], asRoot ? {} : { uid: user.uid, gid: user.gid }));
  return {
    pid: String(child.pid),
    ended: new Promise((done) => child.on('exit', (_, signal) => done(signal))),
    end: () => child.kill('SIGKILL'),
  };
}
