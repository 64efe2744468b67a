/** The folders and small files that every root file system has: hier(7), passwd(5), group(5), hosts(5). */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Mode by path, parents first. The launcher mounts on proc, sys and dev. */
const folders: Readonly<Record<string, number>> = {
  dev: 0o755,
  'dev/pts': 0o755,
  'dev/shm': 0o1777,
  etc: 0o755,
  home: 0o755,
  'home/user': 0o755,
  mnt: 0o755,
  proc: 0o555,
  root: 0o700,
  run: 0o755,
  sys: 0o555,
  tmp: 0o1777,
  usr: 0o755,
  var: 0o755,
  'var/log': 0o755,
  'var/tmp': 0o1777,
};

const files: Readonly<Record<string, string>> = {
  'etc/passwd': [
    'root:x:0:0:root:/root:/bin/sh',
    'user:x:1000:1000:user:/home/user:/bin/sh',
    'nobody:x:65534:65534:nobody:/:/bin/false',
    '',
  ].join('\n'),
  'etc/group': ['root:x:0:', 'tty:x:5:', 'user:x:1000:', 'nogroup:x:65534:', ''].join('\n'),
  'etc/hostname': 'Gontainer\n',
  'etc/hosts': '127.0.0.1 localhost Gontainer\n::1 localhost ip6-localhost ip6-loopback\n',
  // Without it, programs of glibc ask for users over the network too: nsswitch.conf(5).
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  'etc/profile': 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\numask 022\n',
  // Empty: a place to bind the host's file to.
  'etc/resolv.conf': '',
  'etc/shells': '/bin/sh\n',
};

/** Makes them in `directory`. chmod follows mkdir because the umask takes bits away from mkdir(2)'s mode. */
export async function makeSkeleton(directory: string): Promise<void> {
  for (const [path, mode] of Object.entries(folders)) {
    await mkdir(join(directory, path), { recursive: true });
    await chmod(join(directory, path), mode);
  }
  for (const [path, text] of Object.entries(files)) {
    await writeFile(join(directory, path), text);
    await chmod(join(directory, path), 0o644);
  }
}
