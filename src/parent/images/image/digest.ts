/**
 * Digests of content, as the OCI image specification writes them (descriptor.md, "Digests"): the name of an
 * algorithm, a colon, and the digest in lower-case hexadecimal digits.
 */
import { createHash } from 'node:crypto';
import { Failure } from '../../../common/failure.js';

/** Hexadecimal digits by algorithm: the two that the specification registers. */
const lengths: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

export interface Digest {
  readonly algorithm: string;
  readonly hex: string;
}

/** @returns undefined if the text is not a digest of a known algorithm */
export function parseDigest(text: string): Digest | undefined {
  const match = /^([a-z0-9]+):([a-f0-9]+)$/.exec(text);
  const [, algorithm = '', hex = ''] = match ?? [];
  return lengths[algorithm] === hex.length ? { algorithm, hex } : undefined;
}

/** @throws Failure if the text is not a digest of a known algorithm */
export function requireDigest(text: unknown): Digest {
  const digest = typeof text === 'string' ? parseDigest(text) : undefined;
  if (digest !== undefined) return digest;
  throw new Failure(`${JSON.stringify(text)} is not a digest that gontainer can check.`, {
    next: 'It knows sha256 and sha512; the image is damaged or made by something newer.',
  });
}

/** The sha256 digest of some bytes, spelled `sha256:…`. */
export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** What some content must be. */
export interface Expected {
  readonly digest: string;
  /** Bytes; not checked if absent. */
  readonly size?: number | undefined;
  /** Names the content in errors, for example `layer 2`. */
  readonly what: string;
}

/** Content is not what its digest or size says. */
export const mismatch = (expected: Expected, said: string): Failure =>
  new Failure(`${expected.what} is not what the image says: ${said}.`, {
    next: 'It was damaged or exchanged on the way: fetch the image again.',
  });

/**
 * Passes bytes on while it computes their digest.
 * @throws Failure as soon as there are more bytes than expected, or at the end if size or digest differ
 */
export async function* verified(
  source: AsyncIterable<Uint8Array>,
  expected: Expected,
): AsyncGenerator<Uint8Array> {
  const { algorithm, hex } = requireDigest(expected.digest);
  const hash = createHash(algorithm);
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (expected.size !== undefined && size > expected.size) {
      throw mismatch(expected, `more than its ${expected.size} bytes came`);
    }
    hash.update(chunk);
    yield chunk;
  }
  if (expected.size !== undefined && size !== expected.size) {
    throw mismatch(expected, `${size} bytes came instead of ${expected.size}`);
  }
  const found = hash.digest('hex');
  if (found !== hex) throw mismatch(expected, `its digest is ${algorithm}:${found}, not ${expected.digest}`);
}
