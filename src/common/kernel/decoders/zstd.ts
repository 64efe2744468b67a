/** Zstandard (RFC 8878) by libzstd: every frame, skippable ones too, each with its checksum. Numbers are those of zstd.h. */
import { int, peek, pointer, poke } from '../libc.js';
import type { Codec } from './decoder.js';
import { SystemLibrary } from './system-library.js';

const library = new SystemLibrary('libzstd1', 'libzstd.so.1');

const ZSTD_d_windowLogMax = 100;
/** The largest window that a 64-bit machine allows; its memory is touched only as data comes. */
const largestWindowLog = 31;

// In the state: ZSTD_outBuffer and ZSTD_inBuffer, each {address, size, position}, then the address of the context.
const [outBuffer, inBuffer, context, stateSize] = [0, 24, 48, 56];

const contextOf = (state: bigint) => pointer(peek(state + BigInt(context), 8).readBigUInt64LE());

export const zstd: Codec = {
  stateSize,
  begin(state) {
    const made = Buffer.alloc(8);
    made.writeBigUInt64LE(BigInt.asUintN(64, library.call('ZSTD_createDCtx', 'word')));
    poke(state + BigInt(context), made);
    const parameter = [int(ZSTD_d_windowLogMax), int(largestWindowLog)];
    library.call('ZSTD_DCtx_setParameter', 'word', contextOf(state), ...parameter);
  },
  step({ state, input, inputSize, output, outputSize }) {
    const fields = Buffer.alloc(context);
    fields.writeBigUInt64LE(output, outBuffer);
    fields.writeBigUInt64LE(BigInt(outputSize), outBuffer + 8);
    fields.writeBigUInt64LE(input, inBuffer);
    fields.writeBigUInt64LE(BigInt(inputSize), inBuffer + 8);
    poke(state, fields);
    const buffers = [pointer(state + BigInt(outBuffer)), pointer(state + BigInt(inBuffer))];
    const answer = library.call('ZSTD_decompressStream', 'word', contextOf(state), ...buffers);
    if (library.call('ZSTD_isError', 'int', pointer(answer)) !== 0) {
      throw new Error(library.call('ZSTD_getErrorName', 'text', pointer(answer)));
    }
    const after = peek(state, context);
    const taken = Number(after.readBigUInt64LE(inBuffer + 16));
    const made = Number(after.readBigUInt64LE(outBuffer + 16));
    // 0: "a frame is completely decoded and fully flushed".
    return { left: inputSize - taken, made, whole: answer === 0n };
  },
  goOn() {
    // The next frame begins by itself.
  },
  end: (state) => void library.call('ZSTD_freeDCtx', 'word', contextOf(state)),
};
