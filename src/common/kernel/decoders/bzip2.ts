/** bzip2, one stream after another, by libbz2. Numbers are those of bzlib.h. */
import { int, pointer } from '../libc.js';
import type { Codec, State } from './decoder.js';
import { SystemLibrary } from './system-library.js';

const library = new SystemLibrary('libbz2-1.0', 'libbz2.so.1.0', 'libbz2.so.1');

const BZ_STREAM_END = 4;
const words: Readonly<Record<number, string>> = {
  [-3]: 'there is not enough memory',
  [-4]: 'the data is damaged',
  [-5]: 'there is something else after its end',
};

// bz_stream: next_in, avail_in, total_in (two words), next_out, avail_out, total_out, and what is libbz2's own.
const [nextIn, nextOut] = [0, 24];

function begin({ address }: State): void {
  const [verbosity, small] = [int(0), int(0)];
  requireOk(library.call('BZ2_bzDecompressInit', 'int', pointer(address), verbosity, small));
}

export const bzip2: Codec = {
  begin,
  step({ state, input, inputSize, output, outputSize }) {
    const { address, bytes } = state;
    bytes.writeBigUInt64LE(input, nextIn);
    bytes.writeUInt32LE(inputSize, nextIn + 8);
    bytes.writeBigUInt64LE(output, nextOut);
    bytes.writeUInt32LE(outputSize, nextOut + 8);
    const answer = library.call('BZ2_bzDecompress', 'int', pointer(address));
    if (answer !== BZ_STREAM_END) requireOk(answer);
    const made = outputSize - bytes.readUInt32LE(nextOut + 8);
    return { left: bytes.readUInt32LE(nextIn + 8), made, whole: answer === BZ_STREAM_END };
  },
  goOn(state) {
    library.call('BZ2_bzDecompressEnd', 'int', pointer(state.address));
    begin(state);
  },
  end: ({ address }) => void library.call('BZ2_bzDecompressEnd', 'int', pointer(address)),
};

function requireOk(answer: number): void {
  if (answer !== 0) throw new Error(words[answer] ?? `libbz2 answers ${answer}`);
}
