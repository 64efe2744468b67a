/**
 * Names of images, as docker reads them: [REGISTRY/]REPOSITORY[:TAG][@DIGEST]. The grammar is that of the package
 * `reference` of the distribution project and of the OCI distribution specification, "Pulling manifests".
 */
import { usageFailure } from '../../../common/failure.js';
import { parseDigest } from './digest.js';

export interface ImageReference {
  /** HOST[:PORT] to speak to. */
  readonly registry: string;
  readonly repository: string;
  /** A tag or a digest. */
  readonly version: string;
}

/** A name without a registry means one of Docker Hub, whose interface answers under another name. */
export const hubNames: readonly string[] = ['docker.io', 'index.docker.io'];
const hub = { registry: 'registry-1.docker.io', folder: 'library' };

const repositoryPattern =
  /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const registryPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/;

/**
 * Reads the name of an image.
 * @param registry HOST[:PORT] that takes the place of the one in the name; the repository is then taken as it is, but for docker.io/NAME
 * @throws Failure (status 2) that says which part is wrong
 */
export function parseReference(text: string, registry?: string): ImageReference {
  const [name = '', digest] = split(text, text.indexOf('@'));
  if (digest !== undefined && parseDigest(digest) === undefined) {
    throw wrong(text, `${digest || 'nothing'} after @ is not a digest`);
  }
  // A colon after the last slash begins the tag; one before it begins a port.
  const colon = name.lastIndexOf(':');
  const [path = '', tag] = split(name, colon > name.lastIndexOf('/') ? colon : -1);
  if (tag !== undefined && !tagPattern.test(tag))
    throw wrong(text, `${tag || 'nothing'} after : is not a valid tag`);

  const [first = '', ...others] = path.split('/');
  // As docker does: the first word is a registry if it could not be the name of a user.
  const named = others.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  const host = named ? first : hubNames[0];
  const rest = named ? others.join('/') : path;
  // A mirror of Docker Hub has its repositories under the same names.
  const onHub = hubNames.includes(host ?? '') && (named || registry === undefined);
  const repository = onHub && !rest.includes('/') ? `${hub.folder}/${rest}` : rest;
  const where = registry ?? (onHub ? hub.registry : (host ?? ''));
  if (!registryPattern.test(where))
    throw wrong(text, `${where} is not a registry, which is HOST or HOST:PORT`);
  if (!repositoryPattern.test(repository)) {
    throw wrong(
      text,
      `${repository || 'nothing'} is not a valid repository, which has small letters, digits, and . _ - / between them`,
    );
  }
  return { registry: where, repository, version: digest ?? tag ?? 'latest' };
}

/** A reference as it may be typed again. */
export const imageName = ({ registry, repository, version }: ImageReference): string =>
  `${registry}/${repository}${version.includes(':') ? '@' : ':'}${version}`;

/** Whether two names mean the same image; what is not a name means none. */
export function isSameReference(one: string, other: string): boolean {
  try {
    const [first, second] = [parseReference(one), parseReference(other)];
    return (
      first.registry === second.registry &&
      first.repository === second.repository &&
      first.version === second.version
    );
  } catch {
    return false;
  }
}

const split = (text: string, at: number): [string, string?] =>
  at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];

const wrong = (text: string, reason: string) =>
  usageFailure(
    `${JSON.stringify(text)} is not a valid image name: ${reason}.`,
    'Try, for example, alpine or alpine:3.20',
  );
