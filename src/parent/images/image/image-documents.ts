/**
 * The JSON documents that describe an image: index, manifest and configuration of the OCI image specification, and
 * Docker's, which have the same fields. Whoever made the image wrote them: what is used of them is checked here.
 */
import { defined } from '../../../common/defined.js';
import { Failure } from '../../../common/failure.js';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import { requireDigest } from './digest.js';
import type { Platform } from './platform.js';

/** Points to content by its digest: descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly platform?: Platform | undefined;
  /** The names that a layout gives to the image, from its annotations; the most complete first. */
  readonly names?: readonly string[];
  /** Of what is no image, but belongs to one: a signature, a list of its parts. */
  readonly artifactType?: string | undefined;
}

/** The media types of manifests and of lists of them: media-types.md, and Docker's "Image Manifest V 2, Schema 2". */
export const mediaTypes = {
  manifests: [
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.v2+json',
  ],
  indexes: [
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
  ],
  configurations: [
    'application/vnd.oci.image.config.v1+json',
    'application/vnd.docker.container.image.v1+json',
  ],
} as const;

/** A description larger than this is not honest; registries refuse to store manifests beyond 4 MiB. */
export const largestDocument = 4 * 1024 * 1024;

type Json = Readonly<Record<string, unknown>>;

/** @throws Failure if the bytes are not a JSON object or list */
export function parseDocument(bytes: Uint8Array, what: string): Json {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Json;
  } catch {
    // Said below.
  }
  throw damaged(what, 'is not the JSON that describes an image');
}

/** The images that an index lists, the parts of one image, or something that is none. */
export type Manifest =
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | { readonly kind: 'image'; readonly config: Descriptor; readonly layers: readonly Descriptor[] }
  /** OCI 1.1: whatever else is kept like an image, for example a signature. */
  | { readonly kind: 'artifact'; readonly artifactType: string };

/** @throws Failure if it is neither an index nor an image manifest */
export function readManifest(document: Json, what: string): Manifest {
  if (Array.isArray(document.manifests)) {
    return { kind: 'index', manifests: document.manifests.map((item) => readDescriptor(item, what)) };
  }
  const artifactType = artifactOf(document);
  if (artifactType !== undefined) return { kind: 'artifact', artifactType };
  if (Array.isArray(document.layers) && document.config !== undefined) {
    return {
      kind: 'image',
      config: readDescriptor(document.config, what),
      layers: document.layers.map((item) => readDescriptor(item, what)),
    };
  }
  throw damaged(
    what,
    document.schemaVersion === 1
      ? 'is of schema 1, which registries gave up in 2017'
      : 'is neither an image nor a list of images',
  );
}

/** manifest.md, "Guidelines for Artifact Usage": it says so, or its configuration is of no image. */
function artifactOf(document: Json): string | undefined {
  if (typeof document.artifactType === 'string' && document.artifactType !== '') return document.artifactType;
  const type = isObject(document.config) ? textOr(document.config.mediaType, '') : '';
  const known: readonly string[] = ['', ...mediaTypes.configurations];
  return Array.isArray(document.layers) && !known.includes(type) ? type : undefined;
}

/** What of an image's configuration is needed: config.md. */
export interface Configuration {
  /** Undefined where it does not say which machine the image is for. */
  readonly platform: Platform | undefined;
  /** The digest of each layer's uncompressed archive, the lowest first. */
  readonly diffIds: readonly string[];
  readonly defaults: ImageDefaults;
}

/** @throws Failure if it has no list of layers, as the configuration of something that is no container image */
export function readConfiguration(document: Json, what: string): Configuration {
  const diffIds = isObject(document.rootfs) ? document.rootfs.diff_ids : undefined;
  if (!Array.isArray(diffIds)) throw damaged(what, 'is not the configuration of a container image');
  for (const digest of diffIds) requireDigest(digest);
  return {
    platform: readPlatform(document),
    diffIds: diffIds as string[],
    defaults: readDefaults(document.config),
  };
}

/** What is not there, or not of the right kind, is left out. */
function readDefaults(config: unknown): ImageDefaults {
  const from = isObject(config) ? config : {};
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value !== '' ? value : undefined;
  const texts = (value: unknown): readonly string[] | undefined =>
    Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
  return defined({
    Env: texts(from.Env),
    Entrypoint: texts(from.Entrypoint),
    Cmd: texts(from.Cmd),
    User: text(from.User),
    WorkingDir: text(from.WorkingDir),
    StopSignal: text(from.StopSignal),
  });
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

function readPlatform(value: Json): Platform | undefined {
  const architecture = textOr(value.architecture, '');
  if (architecture === '') return undefined;
  const variant = textOr(value.variant, '');
  return { os: textOr(value.os, '') || 'linux', architecture, variant: variant === '' ? undefined : variant };
}

function readDescriptor(value: unknown, what: string): Descriptor {
  if (!isObject(value) || !Number.isSafeInteger(value.size) || Number(value.size) < 0) {
    throw damaged(what, 'has a part without a size');
  }
  requireDigest(value.digest);
  const annotations = isObject(value.annotations) ? value.annotations : {};
  // docker save gives only the tag as ref.name, and the whole name in the annotation of the store it uses.
  const names = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'].map(
    (key) => annotations[key],
  );
  return {
    mediaType: textOr(value.mediaType, ''),
    digest: String(value.digest),
    size: Number(value.size),
    platform: isObject(value.platform) ? readPlatform(value.platform) : undefined,
    names: names.filter((name) => typeof name === 'string'),
    artifactType: typeof value.artifactType === 'string' ? value.artifactType : undefined,
  };
}

const damaged = (what: string, reason: string): Failure =>
  new Failure(`${what} ${reason}.`, { next: 'The image is damaged, or it is not a container image.' });
