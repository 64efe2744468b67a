/**
 * Decodes a stream with a library of the system. It is given in pieces of any size, and what comes out is handed on in
 * pieces that are bounded: a few bytes may unpack to gigabytes. Each is valid until the next one is asked for.
 */
import { nativeMemory } from '../ffi.js';
import { loadCLibrary } from './system-library.js';

/** A library's own structure: where it is, and its bytes. */
export interface State {
  readonly address: bigint;
  readonly bytes: Buffer;
}

/** One call of a library: where its input and output are. */
interface Call {
  /** The library's own structure. */
  readonly state: State;
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
  begin(state: State): void;
  /** @throws Error in the library's words when the data is damaged */
  step(call: Call): Progress;
  /** Is told that the data goes on after a place where it might have ended. @throws Error if it must not */
  goOn(state: State): void;
  end(state: State): void;
}

/** More than any of the structures has. */
const stateSize = 256;
const inputSize = 128 * 1024;
const outputSize = 256 * 1024;

/** Memory that no decoder uses at the moment: it is not given back. */
const idle: State[] = [];

export class Decoder {
  private readonly codec: Codec;
  private readonly memory: State;
  private readonly state: State;
  private readonly input: Buffer;
  private readonly output: Buffer;
  private whole = false;
  /** Zeros have begun that fill up the last block of a tape: no format begins with one. */
  private filling = false;

  /** @throws Failure when the system does not have the library */
  constructor(codec: Codec) {
    loadCLibrary();
    this.codec = codec;
    this.memory = idle.pop() ?? nativeMemory(stateSize + inputSize + outputSize);
    const { address, bytes } = this.memory;
    this.state = { address, bytes: bytes.subarray(0, stateSize).fill(0) };
    this.input = bytes.subarray(stateSize, stateSize + inputSize);
    this.output = bytes.subarray(stateSize + inputSize);
    try {
      codec.begin(this.state);
    } catch (error) {
      idle.push(this.memory);
      throw error;
    }
  }

  /** Decodes what comes next. @throws Error when it is damaged */
  *decode(bytes: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += inputSize) {
      const part = bytes.subarray(at, at + inputSize);
      if (this.filling) requireZeros(part);
      else yield* this.take(part);
    }
  }

  /** Says that nothing comes any more. @throws Error when the data was cut short */
  *finish(): Generator<Buffer> {
    if (!this.whole) yield* this.steps(0, true);
    if (!this.whole) throw new Error('it is cut short');
  }

  /** Ends it: another decoder may use its memory, and what was yielded last is not valid any more. */
  close(): void {
    this.codec.end(this.state);
    idle.push(this.memory);
  }

  private *take(bytes: Uint8Array): Generator<Buffer> {
    this.input.set(bytes);
    yield* this.steps(bytes.length, false);
  }

  /** @throws Error when it is damaged, or there is anything behind zeros that fill up */
  private *steps(size: number, last: boolean): Generator<Buffer> {
    let left = size;
    let made = 0;
    do {
      if (this.whole && left > 0) {
        this.filling = this.input[size - left] === 0;
        if (this.filling) return requireZeros(this.input.subarray(size - left, size));
        this.codec.goOn(this.state);
      }
      const { state } = this;
      const output = state.address + BigInt(stateSize + inputSize);
      const input = state.address + BigInt(stateSize + size - left);
      const progress = this.codec.step({ state, input, inputSize: left, output, outputSize, last });
      ({ left, made } = progress);
      this.whole = progress.whole;
      if (made > 0) yield this.output.subarray(0, made);
    } while (left > 0 || (made === outputSize && !this.whole));
  }
}

function requireZeros(bytes: Uint8Array): void {
  if (bytes.some((byte) => byte !== 0)) throw new Error('there is something else after its end');
}
