/** The programs that tests need beside Node, and Debian's package of each; .ci/run installs them all. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

const packageOf: Readonly<Record<string, string>> = {
  bash: 'bash',
  bsdtar: 'libarchive-tools',
  busybox: 'busybox-static',
  bwrap: 'bubblewrap',
  chromium: 'chromium',
  dash: 'dash',
  env: 'coreutils',
  debootstrap: 'debootstrap',
  'docker-registry': 'docker-registry',
  fish: 'fish',
  gcc: 'gcc',
  git: 'git',
  groff: 'groff-base',
  hostname: 'hostname',
  ip: 'iproute2',
  lsns: 'util-linux',
  man: 'man-db',
  mandoc: 'mandoc',
  mmdebstrap: 'mmdebstrap',
  newuidmap: 'uidmap',
  nsenter: 'util-linux',
  openssl: 'openssl',
  perl: 'perl-base',
  ps: 'procps',
  script: 'bsdutils',
  setpriv: 'util-linux',
  setsid: 'util-linux',
  skopeo: 'skopeo',
  strace: 'strace',
  sudo: 'sudo',
  tar: 'tar',
  tmux: 'tmux',
  umoci: 'umoci',
  unshare: 'util-linux',
  useradd: 'passwd',
  xz: 'xz-utils',
  zsh: 'zsh',
  zstd: 'zstd',
};

/** Every package that some test needs. */
export const systemPackages: readonly string[] = [...new Set(Object.values(packageOf))].sort();

/** Why a test that needs these programs cannot run here, and what to install; false when it can. */
export function lacking(...programs: string[]): string | false {
  const missing = programs.filter((name) => !isInPath(name));
  if (missing.length === 0) return false;
  const packages = new Set(
    missing.map((name) => {
      const found = packageOf[name];
      if (found === undefined)
        throw new Error(`test/system-packages.ts does not say which package has ${name}`);
      return found;
    }),
  );
  return `needs ${missing.join(' and ')} (apt-get install ${[...packages].join(' ')})`;
}

const isInPath = (name: string): boolean =>
  (process.env.PATH ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
