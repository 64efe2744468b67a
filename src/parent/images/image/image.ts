/** Finds the layers of one image in an index, and unpacks them one over another. */
import { Failure } from '../../../common/failure.js';
import { decompress } from '../archive/decompress.js';
import { type Unpacking, unpack } from '../archive/unpack.js';
import { verified } from './digest.js';
import {
  type Configuration,
  type Descriptor,
  largestDocument,
  type Manifest,
  mediaTypes,
  parseDocument,
  readConfiguration,
  readManifest,
} from './image-documents.js';
import { better, fits, type Platform, platformName } from './platform.js';

/** Where content comes from: a layout on disk, or a registry. */
export interface ContentStore {
  /** The content that a descriptor points to; whoever reads it checks size and digest. */
  open(descriptor: Descriptor, what: string): AsyncIterable<Uint8Array>;
}

/** The layers of one image: what they are made of is told by their store. */
export interface Image<Part extends Layer = StoredLayer> {
  readonly configuration: Configuration;
  readonly layers: readonly Part[];
}

export interface Layer {
  /** For example `layer 2 of 5`. */
  readonly what: string;
  /** As stored, compressed or not; what is known of its digest and size is checked while it is read. */
  open(): AsyncIterable<Uint8Array>;
}

/** A layer that a manifest lists. */
interface StoredLayer extends Layer {
  readonly descriptor: Descriptor;
}

/** An index may list an index, but not without end. */
const deepestIndex = 4;

/**
 * Follows indexes down to the one image for a platform.
 * @param images the descriptors to choose from
 * @throws Failure when there is none for the platform, more than one, or a document is damaged
 */
export async function findImage(
  store: ContentStore,
  images: readonly Descriptor[],
  wanted: Platform,
  depth = 0,
): Promise<Image> {
  if (depth > deepestIndex) throw new Failure('The image is listed too deep: indexes of indexes of indexes.');
  const chosen = await choose(store, images, wanted);
  const manifest = await readContent(store, chosen, `manifest ${chosen.digest}`, readManifest);
  if (manifest.kind === 'index') return findImage(store, manifest.manifests, wanted, depth + 1);
  if (manifest.kind === 'image') return openImage(store, manifest, wanted, chosen.platform);
  throw new Failure(
    `This is not an image, but ${manifest.artifactType || 'something else that is kept like one'}.`,
    {
      next: 'It belongs to an image: name that.',
    },
  );
}

/**
 * The layers of the image that a manifest describes.
 * @param listed the platform for which an index lists it: some images say the one that they were built on
 */
export async function openImage(
  store: ContentStore,
  { config, layers }: Extract<Manifest, { kind: 'image' }>,
  wanted: Platform,
  listed?: Platform,
): Promise<Image> {
  const configuration = await readContent(store, config, `configuration ${config.digest}`, readConfiguration);
  const { platform } = configuration;
  if (listed === undefined || listed.architecture === platform?.architecture)
    requirePlatform(platform, wanted);
  requireSameCount(layers.length, configuration.diffIds.length);
  return {
    configuration,
    layers: layers.map((descriptor, index) => {
      const what = `layer ${index + 1} of ${layers.length}`;
      return {
        what,
        descriptor,
        open: () => verified(store.open(descriptor, what), { ...descriptor, what }),
      };
    }),
  };
}

/**
 * Unpacks the layers in order; each layer's uncompressed archive is checked against the configuration.
 * @param begin is told the name of each layer as its turn comes
 */
export async function applyLayers(
  { configuration, layers }: Image<Layer>,
  unpacking: Unpacking,
  begin: (what: string) => void,
): Promise<void> {
  for (const [index, layer] of layers.entries()) {
    begin(layer.what);
    const archive = decompress(layer.open(), layer.what);
    const digest = configuration.diffIds[index] ?? '';
    await unpack(verified(archive, { digest, what: `${layer.what}, uncompressed,` }), layer.what, unpacking);
  }
}

/** @throws Failure if an image says that it is for another kind of machine than wanted */
export function requirePlatform(offered: Platform | undefined, wanted: Platform): void {
  if (offered === undefined || fits(offered, wanted)) return;
  throw new Failure(`The image is for ${platformName(offered)}, not for ${platformName(wanted)}.`, {
    next: `To unpack it all the same, add --platform ${platformName(offered)}`,
  });
}

/** @throws Failure if a manifest and a configuration disagree */
export function requireSameCount(layers: number, diffIds: number): void {
  if (layers === diffIds) return;
  throw new Failure(`The image has ${layers} layers, but its configuration lists ${diffIds}.`, {
    next: 'The image is damaged: fetch it again.',
  });
}

async function choose(
  store: ContentStore,
  images: readonly Descriptor[],
  wanted: Platform,
): Promise<Descriptor> {
  const runnable = images.filter(
    ({ mediaType, artifactType }) =>
      artifactType === undefined && (mediaType === '' || isManifest(mediaType)),
  );
  const fitting = runnable
    .filter(({ platform }) => platform !== undefined && fits(platform, wanted))
    .sort((one, other) => better(one.platform ?? wanted, other.platform ?? wanted));
  const unsaid = runnable.filter(({ platform }) => platform === undefined);
  const candidates = fitting.length > 0 ? fitting : await withoutOthers(store, unsaid, wanted);
  const [first] = candidates;
  if (first === undefined) throw noImageFor(wanted, runnable);
  // For one platform the first is the best, says image-index.md; but different names are different images.
  const names = new Set(
    candidates.map(({ names, digest }) => names?.[0] ?? (fitting.length === 0 ? digest : undefined)),
  );
  if (names.size > 1 && candidates.some(({ digest }) => digest !== first.digest)) {
    throw new Failure(
      `There are several images: ${[...names].map((name) => name ?? 'one without a name').join(', ')}.`,
      { next: 'Choose one: gontainer rootfs import --image NAME SOURCE DIR' },
    );
  }
  return first;
}

/**
 * Where an index does not say what is for which machine, the documents tell: what is no image, and images for other
 * machines, are left out, if something remains.
 */
async function withoutOthers(
  store: ContentStore,
  candidates: readonly Descriptor[],
  wanted: Platform,
): Promise<readonly Descriptor[]> {
  if (candidates.length < 2) return candidates;
  const images: Descriptor[] = [];
  const fitting: Descriptor[] = [];
  for (const candidate of candidates) {
    const manifest = await readContent(store, candidate, `manifest ${candidate.digest}`, readManifest);
    if (manifest.kind === 'artifact') continue;
    images.push(candidate);
    if (manifest.kind === 'index') {
      fitting.push(candidate);
      continue;
    }
    const what = `configuration ${manifest.config.digest}`;
    const { platform } = await readContent(store, manifest.config, what, readConfiguration);
    if (platform === undefined || fits(platform, wanted)) fitting.push(candidate);
  }
  return fitting.length > 0 ? fitting : images;
}

function noImageFor(wanted: Platform, runnable: readonly Descriptor[]): Failure {
  const offered = runnable.flatMap(({ platform }) =>
    platform === undefined ? [] : [platformName(platform)],
  );
  return new Failure(`There is no image for ${platformName(wanted)} in the index.`, {
    next:
      offered.length === 0
        ? 'The index lists no image.'
        : `It has ${[...new Set(offered)].join(', ')}: choose one with --platform.`,
  });
}

const isManifest = (mediaType: string): boolean =>
  [...mediaTypes.manifests, ...mediaTypes.indexes].some((known) => known === mediaType);

/** Reads a whole document, checked, and hands it to `read`. */
async function readContent<Result>(
  store: ContentStore,
  descriptor: Descriptor,
  what: string,
  read: (document: ReturnType<typeof parseDocument>, what: string) => Result,
): Promise<Result> {
  if (descriptor.size > largestDocument) {
    throw new Failure(
      `The ${what} is ${descriptor.size} bytes long; more than ${largestDocument} are not read.`,
    );
  }
  const chunks: Uint8Array[] = [];
  const expected = { ...descriptor, what: `The ${what}` };
  for await (const chunk of verified(store.open(descriptor, what), expected)) chunks.push(Buffer.from(chunk));
  return read(parseDocument(Buffer.concat(chunks), `The ${what}`), `The ${what}`);
}
