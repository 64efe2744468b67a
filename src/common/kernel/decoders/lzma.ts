/** The .xz format, every filter and check of it, and the older .lzma, by liblzma. Numbers are those of lzma/base.h. */
import { int, type Passed, pointer } from '../libc.js';
import type { Codec } from './decoder.js';
import { SystemLibrary } from './system-library.js';

const library = new SystemLibrary('liblzma5', 'liblzma.so.5');

/** lzma_ret. */
const LZMA_STREAM_END = 1;
const LZMA_BUF_ERROR = 10;
const words: Readonly<Record<number, string>> = {
  2: 'its integrity check is of a kind that liblzma does not know',
  3: 'its integrity check is of a kind that liblzma does not know',
  5: 'there is not enough memory',
  7: 'liblzma does not know the format',
  8: 'it uses a filter or an option that liblzma does not know',
  9: 'the data is damaged',
  [LZMA_BUF_ERROR]: 'it is cut short',
};

const LZMA_RUN = 0;
const LZMA_FINISH = 3;
const LZMA_TELL_UNSUPPORTED_CHECK = 0x02;
const LZMA_CONCATENATED = 0x08;

// lzma_stream: next_in, avail_in, total_in, next_out, avail_out, total_out, and what is liblzma's own.
const [nextIn, nextOut] = [0, 24];

function codec(decoder: string, flags: readonly Passed[], goOn: () => void): Codec {
  return {
    begin(state) {
      // Dictionaries may be as large as the format allows; memory is touched only as data comes.
      const noLimit = pointer(0xffff_ffff_ffff_ffffn);
      requireOk(library.call(decoder, 'int', pointer(state.address), noLimit, ...flags));
    },
    step({ state, input, inputSize, output, outputSize, last }) {
      const { address, bytes } = state;
      bytes.writeBigUInt64LE(input, nextIn);
      bytes.writeBigUInt64LE(BigInt(inputSize), nextIn + 8);
      bytes.writeBigUInt64LE(output, nextOut);
      bytes.writeBigUInt64LE(BigInt(outputSize), nextOut + 8);
      const answer = library.call('lzma_code', 'int', pointer(address), int(last ? LZMA_FINISH : LZMA_RUN));
      // No progress was possible; in the middle that only means that more input is needed.
      const waits = answer === LZMA_BUF_ERROR && !last;
      if (answer !== LZMA_STREAM_END && !waits) requireOk(answer);
      const made = outputSize - Number(bytes.readBigUInt64LE(nextOut + 8));
      return { left: Number(bytes.readBigUInt64LE(nextIn + 8)), made, whole: answer === LZMA_STREAM_END };
    },
    goOn,
    end: ({ address }) => void library.call('lzma_end', 'int', pointer(address)),
  };
}

function requireOk(answer: number): void {
  if (answer !== 0) throw new Error(words[answer] ?? `liblzma answers ${answer}`);
}

/** One stream after another, and padding between them. */
export const xz = codec(
  'lzma_stream_decoder',
  [int(LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK)],
  () => {},
);

export const lzma = codec('lzma_alone_decoder', [], () => {
  throw new Error('there is something else after its end');
});
