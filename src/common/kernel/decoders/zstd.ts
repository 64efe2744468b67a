/** Zstandard (RFC 8878) by libzstd: every frame, skippable ones too, each with its checksum. Numbers are those of zstd.h. */
import { int, pointer } from '../libc.js';
import type { Codec, State } from './decoder.js';
import { SystemLibrary } from './system-library.js';

const library = new SystemLibrary('libzstd1', 'libzstd.so.1');

const ZSTD_d_windowLogMax = 100;
/** The largest window that a 64-bit machine allows; its memory is touched only as data comes. */
const largestWindowLog = 31;

// In the state: ZSTD_outBuffer and ZSTD_inBuffer, each {address, size, position}, then the address of the context.
const [outBuffer, inBuffer, context] = [0, 24, 48];

const contextOf = ({ bytes }: State) => pointer(bytes.readBigUInt64LE(context));

export const zstd: Codec = {
  begin(state) {
    state.bytes.writeBigUInt64LE(BigInt.asUintN(64, library.call('ZSTD_createDCtx', 'word')), context);
    const parameter = [int(ZSTD_d_windowLogMax), int(largestWindowLog)];
    library.call('ZSTD_DCtx_setParameter', 'word', contextOf(state), ...parameter);
  },
  step({ state, input, inputSize, output, outputSize }) {
    const { address, bytes } = state;
    for (const [at, value] of [
      [outBuffer, output],
      [outBuffer + 8, BigInt(outputSize)],
      [outBuffer + 16, 0n],
      [inBuffer, input],
      [inBuffer + 8, BigInt(inputSize)],
      [inBuffer + 16, 0n],
    ] as const)
      bytes.writeBigUInt64LE(value, at);
    const buffers = [pointer(address + BigInt(outBuffer)), pointer(address + BigInt(inBuffer))];
    const answer = library.call('ZSTD_decompressStream', 'word', contextOf(state), ...buffers);
    if (library.call('ZSTD_isError', 'int', pointer(answer)) !== 0) {
      throw new Error(library.call('ZSTD_getErrorName', 'text', pointer(answer)));
    }
    const taken = Number(bytes.readBigUInt64LE(inBuffer + 16));
    const made = Number(bytes.readBigUInt64LE(outBuffer + 16));
    // 0: "a frame is completely decoded and fully flushed".
    return { left: inputSize - taken, made, whole: answer === 0n };
  },
  goOn() {
    // The next frame begins by itself.
  },
  end: (state) => void library.call('ZSTD_freeDCtx', 'word', contextOf(state)),
};
