/** The entries of a tar archive, one after another, as data. */
import { ReadableStream } from 'node:stream/web';
import { Failure } from '../../../../common/failure.js';
import { refusal } from './entry-name.js';
import { refuseUnknownTypes } from './known-types.js';

export type EntryType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'link'
  | 'character-device'
  | 'block-device'
  | 'fifo';

export interface TarEntry {
  /** As it stands in the archive: not to be trusted. */
  readonly name: string;
  readonly type: EntryType;
  /** Bytes of the body. */
  readonly size: number;
  /** Permissions with the set-user-ID, set-group-ID and sticky bits: inode(7). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** Of a symbolic or hard link. */
  readonly target: string;
  /** How many extended attributes (xattr(7)) the archive keeps for it. */
  readonly attributes: number;
  /** Must be read to its end before the next entry comes, or not at all. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Reads an uncompressed tar archive: ustar, pax and GNU's long names, checksums and the end mark checked.
 * @param what names the archive in errors
 * @throws Failure when it is no tar archive, is damaged, cut short or has an entry of an unknown type
 */
export async function* tarEntries(source: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<TarEntry> {
  const { createTarDecoder } = await import('modern-tar');
  const bytes = ReadableStream.from(refuseUnknownTypes(source)) as globalThis.ReadableStream<Uint8Array>;
  try {
    for await (const { header, body } of bytes.pipeThrough(createTarDecoder({ strict: true }))) {
      const pax = header.pax ?? {};
      if (Object.keys(pax).some((key) => key.startsWith('GNU.sparse.'))) {
        throw refusal(header.name, 'is a sparse file of GNU tar, which gontainer cannot unpack');
      }
      yield {
        name: header.name,
        type: (header.type ?? 'file') as EntryType,
        size: header.size,
        mode: (header.mode ?? 0o644) & 0o7777,
        uid: header.uid ?? 0,
        gid: header.gid ?? 0,
        modified: time(header.mtime?.getTime() ?? 0),
        target: header.linkname ?? '',
        attributes: Object.keys(pax).filter((key) => /^(SCHILY|LIBARCHIVE)\.xattr\./.test(key)).length,
        body: body as AsyncIterable<Uint8Array>,
      };
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'Failure') throw error;
    throw new Failure(
      `Cannot read ${what} as a tar archive: ${String((error as Error).message).replace(/\.$/, '')}.`,
      {
        next: 'It is damaged, cut short, or no tar archive: try tar -tf to list it.',
        cause: error,
      },
    );
  }
}

/** Any year that utimensat(2) takes on every file system: 1970 to 2106; an archive may say anything. */
const time = (milliseconds: number): number =>
  Number.isFinite(milliseconds) ? Math.min(Math.max(milliseconds / 1000, 0), 2 ** 32 - 1) : 0;
