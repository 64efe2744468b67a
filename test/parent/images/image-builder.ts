/** Builds images in memory: the documents of the OCI image specification around some layers. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { hostPlatform } from '../../../src/parent/images/image/platform.js';
import { archive, type Entry, file, folder } from './tar-builder.js';

export const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface BuiltImage {
  readonly manifest: Descriptor;
  readonly config: Buffer;
  readonly layers: readonly Buffer[];
  /** Content by digest: layers, configuration, manifest. */
  readonly blobs: ReadonlyMap<string, Buffer>;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

/** @param change alters the documents before they are digested, to make an image that lies */
export function buildImage(
  layers: readonly (readonly Entry[])[],
  platform: object = hostPlatform(),
  change: (documents: {
    config: Record<string, unknown>;
    manifest: Record<string, unknown>;
  }) => void = () => {},
): BuiltImage {
  const archives = layers.map((entries) => archive(entries));
  const compressed = archives.map((bytes) => gzipSync(bytes));
  const documents = {
    config: { ...platform, rootfs: { type: 'layers', diff_ids: archives.map(sha256) } } as Record<
      string,
      unknown
    >,
    manifest: {} as Record<string, unknown>,
  };
  change(documents);
  const config = json(documents.config);
  documents.manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: describe('application/vnd.oci.image.config.v1+json', config),
    layers: compressed.map((bytes) => describe('application/vnd.oci.image.layer.v1.tar+gzip', bytes)),
  };
  change(documents);
  const manifest = json(documents.manifest);
  return {
    manifest: { ...describe('application/vnd.oci.image.manifest.v1+json', manifest), platform },
    config,
    layers: compressed,
    blobs: new Map([config, manifest, ...compressed].map((bytes) => [sha256(bytes), bytes])),
  };
}

export const indexOf = (manifests: readonly Descriptor[]): Buffer =>
  json({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests });

/** The entries of an OCI layout as an archive holds them. */
export function layoutEntries(
  images: readonly BuiltImage[],
  index = indexOf(images.map(({ manifest }) => manifest)),
): Entry[] {
  const blobs = images.flatMap(({ blobs }) => [...blobs]);
  return [
    ...blobs.map(([digest, bytes]) => ({ name: `blobs/${digest.replace(':', '/')}`, body: bytes })),
    file('oci-layout', '{"imageLayoutVersion":"1.0.0"}'),
    { name: 'index.json', body: index },
  ];
}

/** Writes an OCI layout to a folder. */
export function writeLayout(directory: string, entries: readonly Entry[]): void {
  mkdirSync(join(directory, 'blobs', 'sha256'), { recursive: true });
  for (const { name, body } of entries) writeFileSync(join(directory, String(name)), body ?? '');
}

/** The entries of an archive as `docker save` wrote them before it wrote OCI layouts. */
export function savedEntries(
  { config }: BuiltImage,
  layers: readonly (readonly Entry[])[],
  tag = 'some/image:1',
): Entry[] {
  const name = `${sha256(config).slice('sha256:'.length)}.json`;
  const paths = layers.map((_, index) => `${index}/layer.tar`);
  return [
    ...layers.flatMap((entries, index) => [
      folder(`${index}/`),
      { name: paths[index] ?? '', body: archive(entries) },
    ]),
    { name, body: config },
    { name: 'manifest.json', body: json([{ Config: name, RepoTags: [tag], Layers: paths }]) },
  ];
}
