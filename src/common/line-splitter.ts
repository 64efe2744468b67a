const lineEnd = 10;

/** Cuts a stream of bytes into its lines, whatever pieces it comes in. */
export class LineSplitter {
  private rest = Buffer.alloc(0);

  /** @param longest how many bytes a line may have; a longer one is never complete */
  constructor(private readonly longest = Number.POSITIVE_INFINITY) {}

  /** Whether the line that is being read is longer than any may be. */
  get isTooLong(): boolean {
    return this.rest.length > this.longest;
  }

  /** Whether the bytes so far stop within a line. */
  get cut(): boolean {
    return this.rest.length > 0;
  }

  /** The lines that are complete now that these bytes came, without their ends; empty ones are left out. */
  take(bytes: Buffer): string[] {
    if (this.isTooLong) return [];
    const all = Buffer.concat([this.rest, bytes]);
    const end = all.lastIndexOf(lineEnd) + 1;
    this.rest = all.subarray(end);
    return all
      .toString('utf8', 0, end)
      .split('\n')
      .filter((line) => line.trim() !== '');
  }
}
