/** How long it takes to unpack an archive and an image, beside the programs that are used for it. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './cases.js';
import { run } from './process.js';
import { type Measured, measured } from './statistics.js';

export interface Unpacked extends Measured {
  /** The archive, for example `tar.gz`. */
  readonly form: string;
  readonly program: string;
}

/** Files of the trees; the bytes of each are a piece of this program's own text. */
const [few, many] = [4_000, 40_000];

/** In how many folders they are: one for ten of them. */
const perFolder = 10;

const compressors: Readonly<Record<string, readonly string[]>> = {
  'tar.gz': ['gzip', '-c'],
  'tar.zst': ['zstd', '-q', '-c'],
  'tar.xz': ['xz', '-1', '-c'],
};

/** Every program with every form in turns. What is not installed is left out. */
export function unpacking(binary: string, { program, scratch }: Place, rounds: number): Unpacked[] {
  const place = join(scratch, 'unpacking');
  const target = join(place, 'target');
  const text = readFileSync(program);
  const plain = archiveOf(makeTree(join(place, 'tree'), text, few));
  const large = archiveOf(makeTree(join(place, 'large'), text, many));
  const forms: Record<string, string> = { tar: plain };
  for (const form of Object.keys(compressors)) {
    const made = compressed(plain, form);
    if (made !== undefined) forms[form] = made;
  }
  const layout = join(place, 'layout');
  if (forms['tar.gz'] !== undefined) writeLayout(layout, readFileSync(plain), readFileSync(forms['tar.gz']));
  forms['large tar'] = large;
  const largeCompressed = compressed(large, 'tar.gz');
  if (largeCompressed !== undefined) forms['large tar.gz'] = largeCompressed;
  const ours = (source: string): string[] => [binary, program, 'rootfs', 'import', '--quiet', source, target];
  const cases = [
    ...Object.entries(forms).flatMap(([form, source]) => [
      { form, program: 'gontainer', words: ours(source) },
      { form, program: 'tar', words: ['tar', '-C', target, '-xpf', source] },
      { form, program: 'bsdtar', words: ['bsdtar', '-C', target, '-xpf', source] },
    ]),
    { form: 'image', program: 'gontainer', words: ours(layout) },
    {
      form: 'image',
      program: 'umoci',
      words: ['umoci', 'unpack', '--rootless', '--image', `${layout}:it`, target],
    },
  ].filter(({ program: name, words: [file = ''] }) => name === 'gontainer' || isInstalled(file));
  const usages = cases.map(() => [] as ReturnType<typeof run>[]);
  for (let round = 0; round < rounds; round++) {
    cases.forEach(({ program: name, words }, index) => {
      rmSync(target, { recursive: true, force: true });
      if (name.endsWith('tar')) mkdirSync(target);
      usages[index]?.push(run({ words }));
    });
  }
  rmSync(place, { recursive: true, force: true });
  return cases.map(({ form, program: name }, index) => ({
    form,
    program: name,
    ...measured(usages[index] ?? []),
  }));
}

const isInstalled = (file: string): boolean => spawnSync(file, ['--version']).error === undefined;

function archiveOf(tree: string): string {
  spawnSync('tar', ['-C', tree, '-cf', `${tree}.tar`, '.']);
  rmSync(tree, { recursive: true });
  return `${tree}.tar`;
}

/** @param form for example `tar.gz` @returns undefined where what compresses is not installed */
function compressed(plain: string, form: string): string | undefined {
  const [compressor = '', ...words] = compressors[form] ?? [];
  const { status, stdout } = spawnSync(compressor, [...words, plain], { maxBuffer: 1 << 30 });
  if (status !== 0) return undefined;
  const file = `${plain}${form.slice('tar'.length)}`;
  writeFileSync(file, stdout);
  return file;
}

function makeTree(top: string, text: Buffer, files: number): string {
  const folders = files / perFolder;
  for (let number = 0; number < files; number++) {
    const folder = join(top, `folder-${number % folders}`);
    mkdirSync(folder, { recursive: true });
    const at = (number * 7919) % text.length;
    writeFileSync(join(folder, `file-${number}`), text.subarray(at, at + ((number * 104_729) % 65_536)));
    if (number % 10 === 0) symlinkSync(`file-${number}`, join(folder, `link-${number}`));
  }
  return top;
}

/** An OCI layout of one layer. */
function writeLayout(folder: string, plain: Buffer, layer: Buffer): void {
  const hex = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
  const put = (bytes: Buffer, mediaType: string) => {
    writeFileSync(join(folder, 'blobs/sha256', hex(bytes)), bytes);
    return { mediaType, digest: `sha256:${hex(bytes)}`, size: bytes.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: [`sha256:${hex(plain)}`] };
  const type = (kind: string): string => `application/vnd.oci.image.${kind}`;
  const config = put(json({ architecture, os: 'linux', config: {}, rootfs }), type('config.v1+json'));
  const layers = [put(layer, type('layer.v1.tar+gzip'))];
  const manifest = put(json({ schemaVersion: 2, config, layers }), type('manifest.v1+json'));
  const annotations = { 'org.opencontainers.image.ref.name': 'it' };
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    join(folder, 'index.json'),
    json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
}
