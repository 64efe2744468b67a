/** bzip2, one stream after another, by libbz2. Numbers are those of bzlib.h. */
import { int, peek, pointer, poke } from '../libc.js';
import type { Codec } from './decoder.js';
import { SystemLibrary } from './system-library.js';

const library = new SystemLibrary('libbz2-1.0', 'libbz2.so.1.0', 'libbz2.so.1');

const BZ_STREAM_END = 4;
const words: Readonly<Record<number, string>> = {
  [-3]: 'there is not enough memory',
  [-4]: 'the data is damaged',
  [-5]: 'there is something else after its end',
};

// bz_stream: next_in, avail_in, total_in (two words), next_out, avail_out, total_out, and what is libbz2's own.
const [nextIn, nextOut, stateSize] = [0, 24, 80];

function begin(state: bigint): void {
  const [verbosity, small] = [int(0), int(0)];
  requireOk(library.call('BZ2_bzDecompressInit', 'int', pointer(state), verbosity, small));
}

export const bzip2: Codec = {
  stateSize,
  begin,
  step({ state, input, inputSize, output, outputSize }) {
    const pair = Buffer.alloc(12);
    pair.writeBigUInt64LE(input, 0);
    pair.writeUInt32LE(inputSize, 8);
    poke(state + BigInt(nextIn), pair);
    pair.writeBigUInt64LE(output, 0);
    pair.writeUInt32LE(outputSize, 8);
    poke(state + BigInt(nextOut), pair);
    const answer = library.call('BZ2_bzDecompress', 'int', pointer(state));
    if (answer !== BZ_STREAM_END) requireOk(answer);
    const after = peek(state, stateSize);
    const made = outputSize - after.readUInt32LE(nextOut + 8);
    return { left: after.readUInt32LE(nextIn + 8), made, whole: answer === BZ_STREAM_END };
  },
  goOn(state) {
    library.call('BZ2_bzDecompressEnd', 'int', pointer(state));
    begin(state);
  },
  end: (state) => void library.call('BZ2_bzDecompressEnd', 'int', pointer(state)),
};

function requireOk(answer: number): void {
  if (answer !== 0) throw new Error(words[answer] ?? `libbz2 answers ${answer}`);
}
