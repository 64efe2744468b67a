/** Takes bytes from a stream in the amounts that a format needs, whatever pieces they come in. */

export class ByteSource {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private chunk: Buffer = Buffer.alloc(0);
  private at = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** The next `size` bytes, or fewer where the stream ends before; they are valid until the next call. */
  async take(size: number): Promise<Buffer> {
    if (this.chunk.length - this.at >= size) return this.slice(size);
    const parts: Buffer[] = [];
    for (let missing = size; missing > 0; ) {
      if (this.at === this.chunk.length && !(await this.more())) break;
      const part = this.slice(missing);
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** The next bytes as they come, at most `size` of them: none at the end of the stream. */
  async some(size: number): Promise<Buffer> {
    if (this.at === this.chunk.length && !(await this.more())) return Buffer.alloc(0);
    return this.slice(size);
  }

  /** Ends the stream early. */
  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  private slice(size: number): Buffer {
    const slice = this.chunk.subarray(this.at, this.at + size);
    this.at += slice.length;
    return slice;
  }

  private async more(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.chunks.next();
      if (done) return false;
      if (value.length === 0) continue;
      this.chunk = Buffer.from(value.buffer, value.byteOffset, value.length);
      this.at = 0;
      return true;
    }
  }
}
