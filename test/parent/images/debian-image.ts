/**
 * A real image of three layers: packages of Debian as mmdebstrap unpacks them, then two layers of changes that umoci packs.
 * It takes seconds, and Debian's packages have to be within reach.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lacking } from '../../system-packages.js';

/** Programs that are set-user-ID and set-group-ID, links, and a thousand files; what they need comes along. */
const packages = 'base-files,passwd';

/** What each layer changes: all that a layer can say of a file. */
const changes: readonly string[] = [
  `rm -r usr/share/doc usr/share/perl5
   echo changed > etc/pam.d/chsh; rm etc/issue; mkdir etc/issue; echo inner > etc/issue/inner
   chown 33:33 etc/debian_version; chmod 600 etc/debian_version; ln usr/bin/passwd usr/bin/other-name
   rm etc/os-release; echo a file > etc/os-release; touch -d '2001-02-03 04:05:06.789012345Z' etc/host.conf`,
  `rm -r etc/issue; ln -s ../usr/share/base-files/motd etc/issue; rm -r usr/share/common-licenses
   mkdir usr/share/common-licenses; echo new > usr/share/common-licenses/GPL; chmod 1777 usr/share/common-licenses
   rm usr/bin/chfn; mkdir -p opt/deep/er; printf '' > opt/deep/er/empty`,
];

export interface DebianImage {
  /** A folder with an OCI layout, whose image is named `it`. */
  readonly layout: string;
  /** The first layer, an uncompressed archive. */
  readonly base: string;
}

/** Why there can be none; false if there can. */
export const noDebianImage: string | false =
  process.getuid?.() === 0 ? lacking('mmdebstrap', 'umoci') : 'only root makes an image with all its owners';

/** @returns the image, or why Debian's packages cannot be had */
export function makeDebianImage(): DebianImage | string {
  const directory = mkdtempSync(join(tmpdir(), 'gontainer-debian-image-'));
  const [layout, base, bundle] = ['layout', 'base.tar', 'bundle'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const words = [
    '--quiet',
    '--variant=extract',
    `--include=${packages}`,
    '--skip=output/dev',
    'bookworm',
    base,
  ];
  const made = spawnSync('mmdebstrap', words, { encoding: 'utf8' });
  if (made.status !== 0) return `mmdebstrap failed: ${made.stderr.trim().split('\n').at(-1)}`;
  const image = ['--image', `${layout}:it`];
  must('umoci', 'init', '--layout', layout);
  must('umoci', 'new', ...image);
  must('umoci', 'raw', 'add-layer', ...image, base);
  for (const [index, script] of changes.entries()) {
    must('umoci', 'unpack', ...image, `${bundle}${index}`);
    must('sh', '-ec', `cd ${bundle}${index}/rootfs; ${script}`);
    must('umoci', 'repack', ...image, `${bundle}${index}`);
  }
  must('chmod', '-R', 'a+rX', directory);
  return { layout, base };
}

function must(program: string, ...words: readonly string[]): void {
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr}`);
}
