/** What the line on the terminal says while an image is pulled: layers come and are unpacked at the same time. */

import { readableSize } from '../../../common/readable-size.js';
import type { Progress } from '../progress-line.js';

export class PullProgress {
  private readonly progress: Progress;
  private readonly arrived = new Map<string, number>();
  private total = 0;
  private layers = '';

  constructor(progress: Progress) {
    this.progress = progress;
  }

  /** @param layers for example `3 layers` @param total bytes that are to be fetched */
  expect(layers: string, total: number): void {
    this.layers = layers;
    this.total = total;
    this.arrived.clear();
  }

  /** @param bytes how many of a blob are here */
  fetched(digest: string, bytes: number): void {
    this.arrived.set(digest, bytes);
    const sum = [...this.arrived.values()].reduce((total, size) => total + size, 0);
    if (sum < this.total) {
      this.progress.show(() => `${this.layers}: ${readableSize(sum)} of ${readableSize(this.total)} fetched`);
    }
  }

  /** Passes the bytes of a layer on while it is unpacked. */
  async *unpacking(
    source: AsyncIterable<Uint8Array>,
    what: string,
    size: number,
  ): AsyncGenerator<Uint8Array> {
    let done = 0;
    for await (const chunk of source) {
      done += chunk.length;
      this.progress.show(() => `${what}: ${readableSize(done)} of ${readableSize(size)} unpacked`);
      yield chunk;
    }
  }
}
