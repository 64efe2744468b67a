/** Containers as machines: how each is entered. Nothing is emulated, and the kernel is that of the host. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../src/common/defined.js';
import { run, tree } from './debian.js';
import type { Entrance } from './machine.js';

/** Started anew for each command. @param words what stands in front of the command, for these further options */
const started = (
  place: string,
  words: (options: readonly string[]) => readonly string[],
  leave?: () => Promise<void>,
): Entrance => ({
  place,
  run: async (command, options, seconds) => {
    const [file = '', ...rest] = [...words(options), ...command];
    const { status, stdout, stderr, error } = spawnSync(file, rest, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: '' },
      timeout: seconds * 1000,
      maxBuffer: 2 ** 28,
    });
    if (error !== undefined) throw error;
    return { status, stdout, stderr };
  },
  ...defined({ leave }),
});

/** Container managers ask for the limits of a fresh machine, which not everybody may raise. */
function limits(): string[] {
  const hard = (name: string): number =>
    Number(
      new RegExp(`^${name} +\\S+ +(\\d+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1024,
    );
  return [
    `--ulimit=nofile=${hard('Max open files')}:${hard('Max open files')}`,
    `--ulimit=nproc=${Math.min(32_768, hard('Max processes'))}`,
  ];
}

/** Podman's runtime wants either version of cgroups, and not both: where they are mixed it gets version 2 alone. */
const oneCgroupTree = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'grep -q " cgroup " /proc/mounts && umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup; exec "$@"',
  'sh',
];

/** The host's own root under an overlay. */
export const podman = async (place: string): Promise<Entrance> =>
  started(place, (options) => [
    ...oneCgroupTree,
    ...['podman', 'run', '--rm', '--network=none', '--cgroups=disabled', ...limits(), ...options],
    ...[`--volume=${place}:${place}:ro`, '--rootfs', '/:O'],
  ]);

/** A daemon of its own, and an image with nothing in it: the host's /usr and /etc are what it has. */
export async function docker(place: string): Promise<Entrance> {
  const folder = join(place, 'docker');
  mkdirSync(folder, { mode: 0o700 });
  const address = `unix://${folder}/socket`;
  const daemon = spawn(
    'dockerd',
    [
      ...['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '--pidfile', `${folder}/pid`],
      ...['--host', address, '--iptables=false', '--ip6tables=false', '--bridge=none'],
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise((done) => daemon.once('exit', done).once('error', done));
  const leave = async (): Promise<void> => {
    daemon.kill('SIGTERM');
    await ended;
  };
  const client = ['docker', '--host', address];
  try {
    await untilAnswers(daemon, client);
    importNothing(folder, address);
  } catch (error) {
    await leave();
    throw error;
  }
  const seen = readdirSync(place).filter((name) => name !== basename(folder));
  return started(
    place,
    (options) => [
      ...[...client, 'run', '--rm', '--network=none', ...options],
      ...['/usr', '/etc'].map((path) => `--volume=${path}:${path}:ro`),
      ...seen.map((name) => `--volume=${place}/${name}:${place}/${name}:ro`),
      'host',
    ],
    leave,
  );
}

async function untilAnswers(daemon: ChildProcess, [file = '', ...words]: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 300 && daemon.exitCode === null; tries += 1) {
    if (spawnSync(file, [...words, 'version'], { stdio: 'ignore' }).status === 0) return;
    await sleep(200);
  }
  throw new Error('dockerd ended, or does not answer');
}

/** An image with nothing in it but the folders and links that a system has. */
function importNothing(folder: string, address: string): void {
  const skeleton = join(folder, 'skeleton');
  for (const name of ['etc', 'usr', 'tmp', 'proc', 'sys', 'dev', 'root'])
    mkdirSync(join(skeleton, name), { recursive: true });
  chmodSync(join(skeleton, 'tmp'), 0o1777);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(skeleton, name));
  run('sh', '-c', `tar -C '${skeleton}' -c . | docker --host '${address}' import - host`);
}

export const bwrap = async (place: string): Promise<Entrance> => {
  const root = tree('bullseye');
  return started(place, () => [
    ...[
      'bwrap',
      '--bind',
      root,
      '/',
      '--dev',
      '/dev',
      '--bind',
      '/proc',
      '/proc',
      '--ro-bind',
      '/sys',
      '/sys',
    ],
    // bwrap's own is root's alone.
    ...['--perms', '1777', '--tmpfs', '/dev/shm'],
    ...['--perms', '1777', '--tmpfs', '/tmp', '--ro-bind', place, place, '--cap-add', 'ALL', '--'],
  ]);
};

export const nspawn = async (place: string): Promise<Entrance> => {
  const root = tree('bullseye');
  return started(place, (options) => [
    ...['systemd-nspawn', '--quiet', '--pipe', '--register=no', '--keep-unit', '--volatile=overlay'],
    ...[...options, `--bind-ro=${place}`, `--directory=${root}`, '--'],
  ]);
};
