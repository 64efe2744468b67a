/** Hands out bytes in the amounts that a format needs, whatever pieces they come in. */

/**
 * Work that stops wherever it needs bytes that are not here yet, and goes on when they are. It is no promise: an archive
 * has many entries in each piece that comes, and only the pieces are waited for.
 */
export type Waiting<Result> = Generator<void, Result, void>;

const nothing = Buffer.alloc(0);

export class ByteSource {
  private chunk: Buffer = nothing;
  private at = 0;
  private ended = false;

  /** Gives it the next piece, when the work that takes from it waits. */
  feed(chunk: Uint8Array): void {
    this.chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.at = 0;
  }

  /** Says that there are no more pieces. */
  end(): void {
    this.ended = true;
  }

  /** The next bytes that are here, at most `size`; none at the end of the stream. They are valid until the next call. */
  *some(size: number): Waiting<Buffer> {
    while (this.at === this.chunk.length && !this.ended) yield;
    return this.here(size);
  }

  /** The next `size` bytes, or fewer where the stream ends before; they are valid until the next call. */
  *take(size: number): Waiting<Buffer> {
    if (this.has(size)) return this.here(size);
    const parts: Buffer[] = [];
    for (let missing = size; missing > 0; ) {
      const part = yield* this.some(missing);
      if (part.length === 0) break;
      // The piece that it is part of may be written over when the next one comes.
      parts.push(Buffer.from(part));
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Whether so many bytes are here: then they can be had without waiting. */
  has(size: number): boolean {
    return this.chunk.length - this.at >= size;
  }

  /** Bytes that are here, at most `size`, without waiting for any. */
  here(size: number): Buffer {
    const slice = this.chunk.subarray(this.at, this.at + size);
    this.at += slice.length;
    return slice;
  }

  /** Passes over bytes that are here. */
  skip(size: number): void {
    this.at += size;
  }

  /** Where the next bytes are: what is here, and the place in it. */
  get place(): readonly [bytes: Buffer, at: number] {
    return [this.chunk, this.at];
  }
}
