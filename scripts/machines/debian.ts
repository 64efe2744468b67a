/** Debian's kernels and trees, of which the machines are made: fetched once, and kept outside of the project. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
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

/** A part of a kept folder's name, so that it is made anew once what it is made from is another. */
export const digest = (...parts: readonly (string | Buffer)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, 12);
};

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

/** What a kernel runs on: an emulated processor, or this machine's kernel, as a process of it: User Mode Linux. */
export type Platform = Processor | 'process';

export interface Kernel {
  readonly platform: Platform;
  /** The file that a boot loader starts, or a shell. */
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
  const root = unpacked(release, processor, name, (options) => {
    const image = /Depends: (linux-image-\S+)/.exec(run('apt-cache', ...options, 'depends', name))?.[1];
    if (image === undefined) throw new Error(`${name} of ${release} depends on no kernel`);
    return image;
  });
  const version = versionIn(root);
  return { platform: processor, root, version, image: join(root, 'boot', `vmlinuz-${version}`) };
}

/**
 * User Mode Linux of a release: a kernel that is a program of this machine's.
 * @throws Unfetched
 */
export function userModeKernel(release: Release): Kernel {
  const root = unpacked(release, 'amd64', 'user-mode-linux', () => 'user-mode-linux');
  return { platform: 'process', root, version: versionIn(root), image: join(root, 'usr/bin/linux.uml') };
}

/** The folder of a kernel and its modules, once they are fetched. */
function unpacked(
  release: Release,
  processor: Processor,
  name: string,
  packageOf: (options: readonly string[]) => string,
): string {
  return fetching(() =>
    made(join(cache, 'kernels', `${release}-${name}`), (unfinished) => {
      const options = apt(release, processor);
      const words = [...options, '-qq', 'download', packageOf(options)];
      mkdirSync(unfinished, { recursive: true });
      run('sh', '-c', 'cd "$0" && exec apt-get "$@"', unfinished, ...words);
      for (const file of readdirSync(unfinished)) {
        run('dpkg-deb', '--extract', join(unfinished, file), unfinished);
        rmSync(join(unfinished, file));
      }
      // User Mode Linux has them beside those of this machine's kernel, and since trixie they lie where /lib points to.
      const lies = ['usr/lib/uml', 'usr/lib'].find((path) => existsSync(join(unfinished, path, 'modules')));
      if (lies !== undefined) renameSync(join(unfinished, lies), join(unfinished, 'lib'));
      run('depmod', '-b', unfinished, versionIn(unfinished));
    }),
  );
}

/** As uname(2) says it, and the folder of its modules is called. */
function versionIn(root: string): string {
  const [version] = readdirSync(join(root, 'lib/modules'));
  if (version === undefined) throw new Error(`there is no kernel in ${root}`);
  return version;
}

/** What a launch and its tests call. */
const needed = ['busybox-static', 'iproute2', 'passwd', 'procps', 'uidmap', 'util-linux'];
/** What more of the tests call, systemd, and AppArmor. */
const wanted = [
  ...['apparmor', 'bsdutils', 'bubblewrap', 'dbus', 'dbus-user-session', 'hostname', 'kmod', 'libatomic1'],
  ...['libcap2-bin', 'libpam-systemd', 'mount', 'perl-base', 'strace', 'sudo', 'systemd', 'systemd-sysv'],
  ...['tmux', 'xz-utils', 'zstd'],
];

/** What each tree has beside Debian's minimum. The oldest is entered as a container, and without a system of its own. */
const packages: Readonly<Record<Release, string>> = {
  bullseye: needed.join(','),
  bookworm: [...needed, ...wanted].join(','),
  trixie: [...needed, ...wanted].join(','),
};

/** mmdebstrap(1) of what each tree has, and of what more is asked for. */
function bootstrapped(release: Release, to: string, ...options: readonly string[]): void {
  const words = ['--quiet', ...options, `--include=${packages[release]}`];
  run('mmdebstrap', ...words, release, to, mirror());
}

/**
 * Debian's minimal tree of a release, for the processor of this machine.
 * @throws Unfetched
 */
export const tree = (release: Release): string =>
  fetching(() =>
    made(join(cache, 'trees', `${release}-${digest(packages[release])}`), (unfinished) =>
      bootstrapped(release, unfinished, '--variant=minbase'),
    ),
  );

/** The policy, and what loads it and labels files by it. */
const selinux = 'selinux-policy-default,policycoreutils';
const contexts = '/etc/selinux/default/contexts/files/file_contexts';

/**
 * The same with Debian's policy for SELinux, and each file labelled by it: setfiles(8).
 * @throws Unfetched
 */
export const labelledTree = (release: Release): string =>
  fetching(() =>
    made(join(cache, 'trees', `${release}-selinux-${digest(packages[release], selinux)}`), (unfinished) => {
      bootstrapped(
        release,
        unfinished,
        ...['--variant=minbase', `--include=${selinux}`],
        // It finds its files through /proc, which is there for a hook.
        `--customize-hook=chroot "$1" setfiles -m -F -e /proc -e /sys -e /dev ${contexts} /`,
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
    made(join(cache, 'trees', `${release}-${processor}-${digest(packages[release])}`), (unfinished) => {
      const options = ['--variant=extract', `--architectures=${processor}`, '--include=?essential'];
      bootstrapped(release, unfinished, ...options);
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
