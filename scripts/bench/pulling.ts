/** How long it takes to pull an image of eight layers from a slow registry, beside skopeo followed by umoci. */
import { spawnSync } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import type { Place } from './cases.js';
import { run } from './process.js';
import { type Measured, measured } from './statistics.js';

export interface Pulled extends Measured {
  readonly program: string;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

const bytesPerSecond = 2_000_000;
const [layers, filesOfLayer, bytesOfFile] = [8, 100, 30_000];

const serverText = readFileSync(new URL('slow-registry.cjs', import.meta.url), 'utf8');

/** Both in turns, each time with nothing cached. */
export async function pulling(
  binary: string,
  { program, scratch }: Place,
  rounds: number,
): Promise<Pulled[]> {
  const place = join(scratch, 'pulling');
  mkdirSync(place);
  const content = makeImage(place);
  const server = new Worker(serverText, { eval: true, workerData: { bytesPerSecond, content } });
  const [port] = (await once(server, 'message')) as [number];
  const work = join(place, 'work');
  const name = `127.0.0.1:${port}/some/image:latest`;
  const skopeo = `skopeo copy -q --insecure-policy --src-tls-verify=false docker://${name} oci:${work}/layout:it`;
  const umoci = `umoci unpack --rootless --image ${work}/layout:it ${work}/bundle`;
  const words: Readonly<Record<string, readonly string[]>> = {
    gontainer: [binary, program, 'rootfs', 'pull', '--quiet', '--insecure', name, `${work}/root`],
    'skopeo and umoci': ['sh', '-c', `${skopeo} && ${umoci}`],
  };
  const own = ['env', `HOME=${work}`, `XDG_CACHE_HOME=${work}/cache`, `XDG_RUNTIME_DIR=${work}`];
  const usages = Object.keys(words).map(() => [] as ReturnType<typeof run>[]);
  for (let round = 0; round < rounds; round++) {
    Object.values(words).forEach((command, index) => {
      rmSync(work, { recursive: true, force: true });
      mkdirSync(work);
      usages[index]?.push(run({ words: [...own, ...command] }));
    });
  }
  await server.terminate();
  rmSync(place, { recursive: true, force: true });
  return Object.keys(words).map((one, index) => ({ program: one, ...measured(usages[index] ?? []) }));
}

/** What the registry serves, by path. Bytes at random do not become fewer by compression. */
function makeImage(place: string): Map<string, Blob> {
  const content = new Map<string, Blob>();
  const add = (
    mediaType: string,
    bytes: Buffer,
    kind: string,
  ): { mediaType: string; digest: string; size: number } => {
    const digest = digestOf(bytes);
    content.set(`/v2/some/image/${kind}/${digest}`, { mediaType, digest, bytes });
    return { mediaType, digest, size: bytes.length };
  };
  const type = (kind: string): string => `application/vnd.oci.image.${kind}`;
  const archives = Array.from({ length: layers }, (_, index) => archiveOf(join(place, `layer-${index}`)));
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: archives.map(digestOf) };
  const config = json({ architecture, os: 'linux', config: {}, rootfs });
  const mediaType = type('manifest.v1+json');
  const manifest = json({
    schemaVersion: 2,
    mediaType,
    config: add(type('config.v1+json'), config, 'blobs'),
    layers: archives.map((bytes) => add(type('layer.v1.tar+gzip'), gzipSync(bytes), 'blobs')),
  });
  const { digest } = add(mediaType, manifest, 'manifests');
  content.set('/v2/some/image/manifests/latest', { mediaType, digest, bytes: manifest });
  return content;
}

function archiveOf(folder: string): Buffer {
  mkdirSync(folder);
  for (let number = 0; number < filesOfLayer; number++)
    writeFileSync(join(folder, `file-${number}`), randomFillSync(Buffer.alloc(bytesOfFile)));
  const made = spawnSync('tar', ['-C', dirname(folder), '-cf', '-', basename(folder)], {
    maxBuffer: 1 << 30,
  });
  return made.stdout;
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
