/** The machines that npm run test:machines tries: how each is entered, and what is expected of it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Machine {
  readonly name: string;
  readonly what: string;
  /** Programs of the host, and Debian's packages of them. */
  readonly needs: Readonly<Record<string, string>>;
  /** Launches that fail at first, by who runs them; every other one works. */
  readonly fails: { readonly root: readonly string[]; readonly user: readonly string[] };
  /** Whether /proc is partly covered at first. */
  readonly coversProc: boolean;
  /** Whether the doctor's fixes are options of what starts the machine: then it is started again with them. */
  readonly fixedByOptions: boolean;
  /**
   * Makes it ready.
   * @param place what has to be seen inside, under the same name
   * @returns the words in front of a command that is to run inside, for these further options; and how to take it away
   */
  readonly prepare: (place: string) => Promise<Entrance>;
}

export interface Entrance {
  readonly words: (options: readonly string[]) => readonly string[];
  readonly leave?: () => Promise<void>;
}

/** Kept from one run to the next. */
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'gontainer-machines');

/** What a machine is made of cannot be fetched here. */
export class Unfetched extends Error {}

/**
 * Debian's minimal tree of a release, made once.
 * @throws Unfetched where there is no mirror
 */
function tree(release: string): string {
  const folder = join(cache, 'trees', release);
  if (existsSync(join(folder, 'usr/bin/newuidmap'))) return folder;
  mkdirSync(join(cache, 'trees'), { recursive: true });
  const packages = 'util-linux,procps,iproute2,uidmap,busybox-static,passwd';
  try {
    run('debootstrap', '--variant=minbase', `--include=${packages}`, release, folder);
  } catch (error) {
    throw new Unfetched((error as Error).message);
  }
  return folder;
}

function run(command: string, ...words: readonly string[]): void {
  const { status, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${status}: ${stderr}`);
}

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
const podman = async (place: string): Promise<Entrance> => ({
  words: (options) => [
    ...oneCgroupTree,
    ...['podman', 'run', '--rm', '--network=none', '--cgroups=disabled', ...limits(), ...options],
    ...[`--volume=${place}:${place}:ro`, '--rootfs', '/:O'],
  ],
});

/** A daemon of its own, and an image with nothing in it: the host's /usr and /etc are what it has. */
async function docker(place: string): Promise<Entrance> {
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
  return {
    words: (options) => [
      ...[...client, 'run', '--rm', '--network=none', ...options],
      ...['/usr', '/etc'].map((path) => `--volume=${path}:${path}:ro`),
      ...['product', 'node', 'probe.js', 'package.json'].map(
        (name) => `--volume=${place}/${name}:${place}/${name}:ro`,
      ),
      'host',
    ],
    leave,
  };
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

const bwrap = async (place: string): Promise<Entrance> => {
  const root = tree('bullseye');
  return {
    words: () => [
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
      ...['--perms', '1777', '--tmpfs', '/tmp', '--ro-bind', place, place, '--cap-add', 'ALL', '--'],
    ],
  };
};

const nspawn = async (place: string): Promise<Entrance> => {
  const root = tree('bullseye');
  return {
    words: (options) => [
      ...['systemd-nspawn', '--quiet', '--pipe', '--register=no', '--keep-unit', '--volatile=overlay'],
      ...[...options, `--bind-ro=${place}`, `--directory=${root}`, '--'],
    ],
  };
};

const everyLaunch = [
  ...['uid', 'mnt', 'uts', 'ipc', 'net', 'pid', 'cgroup', 'time'],
  ...['launch', 'overlay', 'pty', 'subordinate-ids', 'detach'],
];
/** Nobody in a container has subordinate IDs at first. */
const none = ['subordinate-ids'];

export const machines: readonly Machine[] = [
  {
    name: 'podman',
    what: 'a container of Podman, as it is started by default',
    needs: { podman: 'podman crun' },
    fails: { root: ['uts', 'launch', ...none], user: ['uts', 'launch', ...none] },
    coversProc: true,
    fixedByOptions: true,
    prepare: podman,
  },
  {
    name: 'docker',
    what: 'a container of Docker, as it is started by default',
    needs: { dockerd: 'docker.io', docker: 'docker.io docker-cli' },
    fails: { root: everyLaunch, user: everyLaunch },
    coversProc: true,
    fixedByOptions: true,
    prepare: docker,
  },
  {
    name: 'bullseye',
    what: 'the userland of Debian 11, glibc 2.31, under bwrap, which sets no_new_privs',
    needs: { bwrap: 'bubblewrap', debootstrap: 'debootstrap' },
    fails: { root: none, user: none },
    coversProc: false,
    fixedByOptions: false,
    prepare: bwrap,
  },
  {
    name: 'nspawn',
    what: 'the same under systemd-nspawn',
    needs: { 'systemd-nspawn': 'systemd-container', debootstrap: 'debootstrap' },
    fails: { root: ['pty', ...none], user: ['pty', ...none] },
    coversProc: false,
    fixedByOptions: true,
    prepare: nspawn,
  },
];
