/** Debian's kernels and trees, of which the machines are made: fetched once, and kept outside of the project. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export type Release = 'bullseye' | 'bookworm' | 'trixie';
export type Processor = 'amd64' | 'arm64';

/** Kept from one run to the next. */
export const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'gontainer-machines');

/** What a machine is made of cannot be fetched here. */
export class Unfetched extends Error {}

/** @throws Error with what the command printed, where it fails */
export function run(command: string, ...words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0)
    throw new Error(`${command} ${words.join(' ')} ended with ${status}: ${error?.message ?? stderr}`);
  return stdout;
}

/** @throws Unfetched instead of any other error */
export function fetching<Result>(fetch: () => Result): Result {
  try {
    return fetch();
  } catch (error) {
    throw new Unfetched((error as Error).message);
  }
}

/** Makes a folder once: where it fails half-way, or is interrupted, nothing of that name is left. */
export function made(folder: string, make: (unfinished: string) => void): string {
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  make(unfinished);
  renameSync(unfinished, folder);
  return folder;
}

/** The mirror that this machine takes Debian's packages from. */
function mirror(): string {
  const [first] = run(
    'apt-get',
    ...['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', 'Label: Debian'],
  ).split('\n');
  if (!first) throw new Error('apt-get names no mirror of Debian: run apt-get update');
  return first;
}

/** apt-get and apt-cache for another release and processor than this machine's, with lists of their own. */
function apt(release: Release, processor: Processor): readonly string[] {
  const folder = join(cache, 'apt', `${release}-${processor}`);
  const options = Object.entries({
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State': join(folder, 'state'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::State::status': join(folder, 'status'),
    'APT::Architecture': processor,
    'APT::Architectures::': processor,
    // Packages are fetched by this user, into a folder that only this user may write to.
    'APT::Sandbox::User': 'root',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  made(folder, (unfinished) => {
    for (const path of ['state/lists/partial', 'cache/archives/partial'])
      mkdirSync(join(unfinished, path), { recursive: true });
    writeFileSync(join(unfinished, 'status'), '');
    const signed = 'signed-by=/usr/share/keyrings/debian-archive-keyring.gpg';
    writeFileSync(
      join(unfinished, 'sources.list'),
      `deb [arch=${processor} ${signed}] ${mirror()} ${release} main\n`,
    );
    const there = options.map((word) => word.replace(folder, unfinished));
    run('apt-get', ...there, '-qq', 'update');
  });
  return options;
}

export interface Kernel {
  readonly processor: Processor;
  /** The file that a boot loader starts. */
  readonly image: string;
  /** The folder above `lib/modules`. */
  readonly root: string;
  /** As uname(2) says it. */
  readonly version: string;
}

/**
 * The kernel of a release: the image that its package of this name depends on now.
 * @param name for example `linux-image-amd64`
 * @throws Unfetched
 */
export function kernel(release: Release, processor: Processor, name: string): Kernel {
  const root = fetching(() =>
    made(join(cache, 'kernels', `${release}-${name}`), (unfinished) => {
      const options = apt(release, processor);
      const image = /Depends: (linux-image-\S+)/.exec(run('apt-cache', ...options, 'depends', name))?.[1];
      if (image === undefined) throw new Error(`${name} of ${release} depends on no kernel`);
      mkdirSync(unfinished, { recursive: true });
      run('sh', '-c', 'cd "$0" && exec apt-get "$@"', unfinished, ...options, '-qq', 'download', image);
      for (const file of readdirSync(unfinished)) {
        run('dpkg-deb', '--extract', join(unfinished, file), unfinished);
        rmSync(join(unfinished, file));
      }
      // Since trixie it lies where /lib points to.
      if (existsSync(join(unfinished, 'usr/lib')))
        renameSync(join(unfinished, 'usr/lib'), join(unfinished, 'lib'));
      run('depmod', '-b', unfinished, imageIn(unfinished).version);
    }),
  );
  return { processor, root, ...imageIn(root) };
}

function imageIn(root: string): { image: string; version: string } {
  const name = readdirSync(join(root, 'boot')).find((entry) => entry.startsWith('vmlinuz-'));
  if (name === undefined) throw new Error(`there is no kernel in ${root}`);
  return { image: join(root, 'boot', name), version: name.slice('vmlinuz-'.length) };
}

/** What a launch and its tests call. */
const needed = ['busybox-static', 'iproute2', 'passwd', 'procps', 'uidmap', 'util-linux'];
/** What more of the tests call, systemd, and AppArmor. */
const wanted = [
  ...['apparmor', 'bsdutils', 'bubblewrap', 'dbus', 'dbus-user-session', 'hostname', 'kmod', 'libatomic1'],
  ...[
    'libcap2-bin',
    'libpam-systemd',
    'mount',
    'perl-base',
    'strace',
    'sudo',
    'systemd',
    'systemd-sysv',
    'tmux',
  ],
  ...['xz-utils', 'zstd'],
];

/** What each tree has beside Debian's minimum. The oldest is entered as a container, and without a system of its own. */
const packages: Readonly<Record<Release, string>> = {
  bullseye: needed.join(','),
  bookworm: [...needed, ...wanted].join(','),
  trixie: [...needed, ...wanted].join(','),
};

/**
 * Debian's minimal tree of a release, for the processor of this machine.
 * @throws Unfetched
 */
export const tree = (release: Release): string =>
  fetching(() =>
    made(join(cache, 'trees', release), (unfinished) => {
      run(
        'mmdebstrap',
        ...['--quiet', '--variant=minbase', `--include=${packages[release]}`, release, unfinished, mirror()],
      );
    }),
  );

/**
 * The same for a processor that cannot run here: its packages are unpacked and not configured, as that would take an
 * hour of emulation. What configuring makes is in /etc, and comes from the tree that is configured.
 * @throws Unfetched
 */
export const foreignTree = (release: Release, processor: Processor): string =>
  fetching(() =>
    made(join(cache, 'trees', `${release}-${processor}`), (unfinished) => {
      run(
        'mmdebstrap',
        ...['--quiet', '--variant=extract', `--architectures=${processor}`],
        ...['--include=?essential', `--include=${packages[release]}`, release, unfinished, mirror()],
      );
      run('cp', '--archive', '--remove-destination', `${tree(release)}/etc/.`, join(unfinished, 'etc'));
      rmSync(join(unfinished, 'etc/ld.so.cache'), { force: true });
      for (const [name, target] of Object.entries(alternatives)) {
        rmSync(join(unfinished, name), { force: true });
        symlinkSync(target, join(unfinished, name));
      }
    }),
  );

/** Links that packages make when they are configured. */
const alternatives = { 'usr/bin/awk': 'mawk', 'usr/bin/which': 'which.debianutils' };
