/** Bounds on what an archive may unpack to: a few kilobytes can decompress to more than any disk holds. */
import { Failure } from '../../../common/failure.js';
import { readableSize } from '../../../common/readable-size.js';

export interface Limits {
  /** Bytes of the decompressed archive, of all layers together. */
  readonly size: number;
  /** Entries of the archive, of all layers together. */
  readonly entries: number;
}

/** Larger than all but the images of machine learning, smaller than most disks. */
export const defaultLimits: Limits = { size: 16 * 1024 ** 3, entries: 1_000_000 };

/** Counts what was taken so far against the limits. */
export class Budget {
  private readonly limits: Limits;
  private size = 0;
  private entries = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Counts bytes. @throws Failure when there are too many */
  spend(size: number): void {
    this.size += size;
    if (this.size > this.limits.size) throw this.tooLarge('The archive');
  }

  /**
   * Counts one entry, before anything of it is written.
   * @param label makes of its name what an error shows
   * @param size the bytes its header declares
   * @throws Failure when there are too many entries, or more bytes are declared than may come at all
   */
  admit(name: string, size: number, label: (name: string) => string): void {
    this.entries += 1;
    if (this.entries > this.limits.entries) {
      throw new Failure(
        `The archive has more than ${this.limits.entries} entries; ${label(name)} is one too many.`,
        {
          next: 'If you trust it, allow more with --max-entries.',
        },
      );
    }
    if (size > this.limits.size) throw this.tooLarge(`Entry ${label(name)} (${readableSize(size)})`);
  }

  private tooLarge(what: string): Failure {
    return new Failure(`${what} unpacks to more than the limit of ${readableSize(this.limits.size)}.`, {
      next: 'If you trust it, allow more with --max-size, for example --max-size 64G.',
    });
  }
}
