/**
 * An image kept in a folder: the OCI image layout (image-layout.md: oci-layout, index.json, blobs/ALGORITHM/HEX), what
 * `docker save` writes (manifest.json with a list), or skopeo's `dir:` (manifest.json with a manifest, and each part under
 * its digest). The first two may be in one folder, as newer versions of docker write them.
 */
import { readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Failure, usageFailure } from '../../../common/failure.js';
import { bytesOf } from '../archive/file-bytes.js';
import { Tree } from '../archive/tree.js';
import { requireDigest, verified } from './digest.js';
import {
  type ContentStore,
  findImage,
  type Image,
  type Layer,
  openImage,
  requirePlatform,
  requireSameCount,
} from './image.js';
import {
  type Descriptor,
  largestDocument,
  parseDocument,
  readConfiguration,
  readManifest,
} from './image-documents.js';
import { isSameReference } from './image-reference.js';
import type { Platform } from './platform.js';

/** What a root file system has at its top and an image has not: at least one of them. */
const signsOfRoot = ['bin', 'usr', 'etc', 'sbin', 'lib'];

type LayoutKind = 'oci' | 'docker' | 'dir';

/** The kind of image in a folder, or undefined if it holds a root file system or anything else. */
export function layoutKind(folder: string): LayoutKind | undefined {
  const tree = new Tree(folder);
  const has = (name: string): boolean =>
    statSync(`${folder}/${name}`, { throwIfNoEntry: false }) !== undefined;
  if (signsOfRoot.some(has)) return undefined;
  if (tree.fileAt('index.json') !== undefined && has('blobs')) return 'oci';
  if (tree.fileAt('manifest.json') === undefined) return undefined;
  return isDirTransport(tree) ? 'dir' : 'docker';
}

/**
 * Finds an image in a folder. No file outside the folder is read, whatever links the folder holds.
 * @param name chooses one of several: a tag
 * @throws Failure when there is none, several, or one for another platform
 */
export async function openLayout(
  folder: string,
  wanted: Platform,
  name: string | undefined,
): Promise<Image<Layer>> {
  const open = { oci: openOciLayout, docker: openDockerArchive, dir: openDirTransport };
  return open[layoutKind(folder) ?? 'docker'](new Tree(folder), wanted, name);
}

/** The file `version` of skopeo's `dir:`; see containers-transports(5). */
function isDirTransport(tree: Tree): boolean {
  const version = tree.fileAt('version');
  if (version === undefined || statSync(version).size > 1000) return false;
  return readFileSync(version, 'latin1').startsWith('Directory Transport Version:');
}

/** Its manifest is that of one image, or, after `skopeo copy --all`, an index whose manifests lie beside it. */
async function openDirTransport(
  tree: Tree,
  wanted: Platform,
  name: string | undefined,
): Promise<Image<Layer>> {
  if (name !== undefined) throw noSuchImage(name, []);
  const store: ContentStore = {
    open({ digest }: Descriptor, what: string) {
      const { hex } = requireDigest(digest);
      const manifest = `${hex}.manifest.json`;
      return openFile(tree, tree.fileAt(manifest) === undefined ? hex : manifest, what);
    },
  };
  const top = readManifest(readDocument(tree, 'manifest.json'), 'manifest.json');
  if (top.kind === 'index') return findImage(store, top.manifests, wanted);
  if (top.kind === 'image') return openImage(store, top, wanted);
  throw new Failure(`manifest.json describes ${top.artifactType}, not an image.`);
}

async function openOciLayout(tree: Tree, wanted: Platform, name: string | undefined): Promise<Image<Layer>> {
  const index = readManifest(readDocument(tree, 'index.json'), 'index.json');
  if (index.kind !== 'index')
    throw new Failure('index.json is no list of images.', { next: 'The image is damaged.' });
  const store: ContentStore = {
    open({ digest }: Descriptor, what: string) {
      const { algorithm, hex } = requireDigest(digest);
      return openFile(tree, `blobs/${algorithm}/${hex}`, what);
    },
  };
  if (index.manifests.length === 0)
    throw new Failure('index.json lists no images.', { next: 'The image is incomplete: save it again.' });
  const named = index.manifests.filter(({ names = [] }) => isMeant(name, names));
  if (named.length === 0)
    throw noSuchImage(
      name,
      index.manifests.flatMap(({ names = [] }) => names.slice(0, 1)),
    );
  return findImage(store, named, wanted);
}

/** manifest.json of `docker save`: one object for each image, with the paths of its parts in the archive. */
interface SavedImage {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

async function openDockerArchive(
  tree: Tree,
  wanted: Platform,
  name: string | undefined,
): Promise<Image<Layer>> {
  const images = readSavedImages(tree);
  const named = images.filter(({ RepoTags }) => isMeant(name, RepoTags ?? []));
  const [image, another] = named;
  if (image === undefined || another !== undefined) {
    throw noSuchImage(
      name,
      images.flatMap(({ RepoTags }) => RepoTags ?? []),
    );
  }
  for await (const _ of openPart(tree, image.Config, 'the configuration')); // Checks its digest.
  const configuration = readConfiguration(readDocument(tree, image.Config), image.Config);
  requirePlatform(configuration.platform, wanted);
  requireSameCount(image.Layers.length, configuration.diffIds.length);
  return {
    configuration,
    layers: image.Layers.map((path, index) => {
      const what = `layer ${index + 1} of ${image.Layers.length}`;
      return { what, open: () => openPart(tree, path, what) };
    }),
  };
}

function readSavedImages(tree: Tree): SavedImage[] {
  const document: unknown = readDocument(tree, 'manifest.json');
  const isText = (value: unknown): boolean => typeof value === 'string';
  const isSaved = (value: SavedImage | null): boolean =>
    isText(value?.Config) && Array.isArray(value?.Layers) && value.Layers.every(isText);
  if (Array.isArray(document) && document.every(isSaved)) return document as SavedImage[];
  throw new Failure('manifest.json does not list images as docker save does.', {
    next: 'If this is a root file system, it lacks bin, usr and etc.',
  });
}

/** A file that docker named for its digest, `HEX.json` or `blobs/sha256/HEX`, is checked against it. */
function openPart(tree: Tree, path: string, what: string): AsyncIterable<Uint8Array> {
  const hex = /(?:^|^blobs\/sha256\/)([0-9a-f]{64})(?:\.json)?$/.exec(path)?.[1];
  const source = openFile(tree, path, what);
  return hex === undefined ? source : verified(source, { digest: `sha256:${hex}`, what });
}

async function* openFile(tree: Tree, path: string, what: string): AsyncGenerator<Uint8Array> {
  yield* bytesOf(await open(requireFile(tree, path, what)));
}

function readDocument(tree: Tree, path: string) {
  const file = requireFile(tree, path, path);
  if (statSync(file).size > largestDocument)
    throw new Failure(
      `${path} is longer than ${largestDocument} bytes, more than a description of an image has.`,
    );
  return parseDocument(readFileSync(file), path);
}

function requireFile(tree: Tree, path: string, what: string): Buffer | string {
  const file = tree.fileAt(path);
  if (file !== undefined) return file;
  throw new Failure(`The image has no file ${path}, which should be ${what}.`, {
    next: 'The image is incomplete: save it again.',
  });
}

/** Whether `name` is one of an image's names, also where one of them is written out: bb:2 is docker.io/library/bb:2. */
const isMeant = (name: string | undefined, names: readonly string[]): boolean =>
  name === undefined || names.some((candidate) => candidate === name || isSameReference(candidate, name));

function noSuchImage(name: string | undefined, names: readonly string[]): Failure {
  const known = names.join(', ') || 'no names';
  return name === undefined
    ? usageFailure(
        `There is not exactly one image, but: ${known}.`,
        'Choose one: gontainer rootfs import --image NAME SOURCE DIR',
      )
    : usageFailure(`There is not exactly one image named ${name}.`, `It has ${known}.`);
}
