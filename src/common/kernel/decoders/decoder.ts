/**
 * Decodes a stream with a library of the system. It is given in pieces of any size, and what comes out is handed on in
 * pieces that are bounded: a few bytes may unpack to gigabytes. Each is valid until the next one is asked for.
 */
import { fill, pointer, poke, word } from '../libc.js';
import { loadCLibrary } from './system-library.js';

/** One call of a library: where its input and output are. */
interface Call {
  /** The library's own structure. */
  readonly state: bigint;
  readonly input: bigint;
  readonly inputSize: number;
  readonly output: bigint;
  readonly outputSize: number;
  /** Nothing comes after this input. */
  readonly last: boolean;
}

/** What one call did. */
interface Progress {
  /** Bytes of the input that were not taken. */
  readonly left: number;
  /** Bytes of output. */
  readonly made: number;
  /** The data may end here. */
  readonly whole: boolean;
}

/** How one format is decoded. */
export interface Codec {
  /** Bytes of the library's structure. */
  readonly stateSize: number;
  begin(state: bigint): void;
  /** @throws Error in the library's words when the data is damaged */
  step(call: Call): Progress;
  /** Is told that the data goes on after a place where it might have ended. @throws Error if it must not */
  goOn(state: bigint): void;
  end(state: bigint): void;
}

const inputSize = 128 * 1024;
const outputSize = 256 * 1024;

export class Decoder {
  private readonly codec: Codec;
  private readonly state: bigint;
  private readonly input: bigint;
  private readonly output: bigint;
  private readonly piece = Buffer.allocUnsafeSlow(outputSize);
  private whole = false;

  /** @throws Failure when the system does not have the library */
  constructor(codec: Codec) {
    loadCLibrary();
    this.codec = codec;
    this.state = word('calloc', pointer(1n), pointer(BigInt(codec.stateSize + inputSize + outputSize)));
    this.input = this.state + BigInt(codec.stateSize);
    this.output = this.input + BigInt(inputSize);
    try {
      codec.begin(this.state);
    } catch (error) {
      word('free', pointer(this.state));
      throw error;
    }
  }

  /** Decodes what comes next. @throws Error when it is damaged */
  *decode(bytes: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += inputSize) yield* this.take(bytes.subarray(at, at + inputSize));
  }

  /** Says that nothing comes any more. @throws Error when the data was cut short */
  *finish(): Generator<Buffer> {
    if (!this.whole) yield* this.steps(0, true);
    if (!this.whole) throw new Error('it is cut short');
  }

  /** Gives the memory back. */
  close(): void {
    this.codec.end(this.state);
    word('free', pointer(this.state));
  }

  private *take(bytes: Uint8Array): Generator<Buffer> {
    poke(this.input, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    yield* this.steps(bytes.length, false);
  }

  private *steps(size: number, last: boolean): Generator<Buffer> {
    let left = size;
    let made = 0;
    do {
      if (this.whole && left > 0) this.codec.goOn(this.state);
      const { state, output } = this;
      const input = this.input + BigInt(size - left);
      const progress = this.codec.step({ state, input, inputSize: left, output, outputSize, last });
      ({ left, made } = progress);
      this.whole = progress.whole;
      if (made > 0) yield fill(this.piece.subarray(0, made), output);
    } while (left > 0 || (made === outputSize && !this.whole));
  }
}
