/** The formats that libraries of the system decode, by name. */
import { bzip2 } from './bzip2.js';
import { type Codec, Decoder } from './decoder.js';
import { lzma, xz } from './lzma.js';
import { zstd } from './zstd.js';

const codecs = { bzip2, lzma, xz, zstd } as const satisfies Record<string, Codec>;

export type DecodedFormat = keyof typeof codecs;

/** @throws Failure when the system does not have the format's library */
export const decoderOf = (format: DecodedFormat): Decoder => new Decoder(codecs[format]);
