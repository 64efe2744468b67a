/** Streams that are there before the pipe that they read from or write to is. */
import type { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';

export class LateReadable extends Readable {
  private source: Socket | undefined;
  private wanted = false;

  /** The pipe is there; without one there is nothing to read. */
  attach(source: Socket | undefined): void {
    this.source = source;
    if (source === undefined || this.destroyed) {
      source?.destroy();
      this.push(null);
      return;
    }
    source.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) source.pause();
    });
    source.on('close', () => this.push(null));
    if (!this.wanted) source.pause();
  }

  override _read(): void {
    this.wanted = true;
    this.source?.resume();
  }

  /** Who has stopped reading hangs up, and the command gets SIGPIPE. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.source?.destroy();
    done(error);
  }
}

export class LateWritable extends Writable {
  private target: Socket | undefined;
  private isThere: () => void = () => {};
  private readonly there = new Promise<void>((done) => {
    this.isThere = done;
  });

  constructor() {
    super();
    // A command that reads no more is no fault of the program: whoever wants to hear of it listens.
    this.on('error', () => {});
  }

  /** The pipe is there; without one nobody reads. */
  attach(target: Socket | undefined): void {
    this.target = target;
    if (target === undefined || this.destroyed) {
      target?.destroy();
      this.destroy();
    }
    target?.on('close', () => this.destroy());
    this.isThere();
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.there.then(() => (this.target === undefined ? done() : this.target.write(bytes, done)));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.there.then(() => {
      this.target?.end();
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.target?.destroy();
    this.isThere();
    done(error);
  }
}
