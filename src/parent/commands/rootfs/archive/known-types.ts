/**
 * Stops at entries whose type the tar reader does not know. It would take them for plain files, and the files would
 * be wrong: GNU tar's old sparse format ('S'), for example, leaves the holes out of the data.
 */
import { Failure } from '../../../../common/failure.js';

const block = 512;
/** Types of POSIX pax (pax(1), "ustar Interchange Format") and GNU tar's long names. */
const known = new Set([...'01234567xgLK\0'].map((character) => character.charCodeAt(0)));
const magic = Buffer.from('ustar');

/**
 * Passes the bytes of an uncompressed tar archive on.
 * @throws Failure at a header with an unknown type. A block inside a file that looks like such a header, checksum
 * and all, is taken for one: to refuse too much is the safe side.
 */
export async function* refuseUnknownTypes(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes =
      rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([rest, chunk]);
    let at = 0;
    for (; at + block <= bytes.length; at += block) {
      if (!known.has(bytes[at + 156] ?? 0)) requireNoHeader(bytes.subarray(at, at + block));
    }
    rest = Buffer.from(bytes.subarray(at));
    yield chunk;
  }
}

function requireNoHeader(header: Buffer): void {
  if (!header.subarray(257, 262).equals(magic)) return;
  // The checksum is the sum of all bytes, its own field taken as eight spaces.
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  if (sum !== Number.parseInt(header.toString('latin1', 148, 156), 8)) return;
  const type = String.fromCharCode(header[156] ?? 0);
  throw new Failure(
    `The archive has an entry of type ${JSON.stringify(type)}, which gontainer cannot unpack.`,
    {
      next:
        type === 'S'
          ? 'It is a sparse file of GNU tar: make the archive again without --sparse.'
          : 'Make the archive again with tar --format=posix.',
    },
  );
}
