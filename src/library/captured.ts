import type { Socket } from 'node:net';

/** What a command writes to one of its streams, kept up to a limit. */
export class Captured {
  private readonly chunks: Buffer[] = [];
  private length = 0;
  private source: Socket | undefined;
  private resolve: () => void = () => {};
  /** Resolves when nobody writes any more. */
  readonly done = new Promise<void>((done) => {
    this.resolve = done;
  });

  /**
   * @param most how many bytes are kept
   * @param beyond is called when there are more
   */
  constructor(
    private readonly most: number,
    private readonly beyond: () => void,
  ) {}

  get content(): Buffer {
    return this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks);
  }

  attach(source: Socket | undefined): void {
    if (source === undefined) {
      this.resolve();
      return;
    }
    this.source = source;
    source.on('data', (bytes: Buffer) => this.take(bytes));
    source.on('error', () => {});
    source.on('close', () => this.resolve());
  }

  /** Whoever has the pipe open still is not waited for. */
  stop(): void {
    this.source?.destroy();
    this.resolve();
  }

  private take(bytes: Buffer): void {
    const room = this.most - this.length;
    if (bytes.length > room) this.beyond();
    const kept = bytes.length > room ? bytes.subarray(0, Math.max(0, room)) : bytes;
    this.length += kept.length;
    if (kept.length > 0) this.chunks.push(kept);
  }
}
