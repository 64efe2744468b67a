/**
 * What a launch tells, in order. It is kept, so that whoever starts to read late, or reads a second time, gets all of it: a
 * launch has some hundred records, and of the calls that are watched 20,000 at most. An open container goes on telling for as
 * long as it lives: what comes after it was sealed is given to whoever reads then, and forgotten.
 */
export class Story<Entry> {
  private readonly entries: Entry[] = [];
  private over = false;
  private waiting: (() => void)[] = [];
  private readonly readers = new Set<{ next: number }>();
  /** How many entries are kept for good, once it is sealed. */
  private kept: number | undefined;
  /** How many after those were forgotten. */
  private forgotten = 0;

  add(entry: Entry): void {
    if (this.kept !== undefined && this.readers.size === 0) this.forgotten += 1;
    else this.entries.push(entry);
    this.wake();
  }

  /** Every entry that is kept. */
  get soFar(): readonly Entry[] {
    return this.entries;
  }

  /** Nothing follows that is kept. */
  seal(): void {
    this.kept = this.entries.length;
  }

  /** Nothing follows. */
  end(): void {
    this.over = true;
    this.wake();
  }

  /** Every entry from the first on, as it comes, until the end; of a sealed one those that are kept, and what is new. */
  async *read(): AsyncGenerator<Entry, void, undefined> {
    const reader = { next: 0 };
    this.readers.add(reader);
    try {
      for (;;) {
        if (reader.next === this.kept) reader.next += this.forgotten;
        while (reader.next === this.total) {
          if (this.over) return;
          await new Promise<void>((woken) => this.waiting.push(woken));
        }
        const entry = this.entryAt(reader.next);
        reader.next += 1;
        this.forget();
        yield entry;
      }
    } finally {
      this.readers.delete(reader);
      this.forget();
    }
  }

  private get total(): number {
    return this.entries.length + this.forgotten;
  }

  private entryAt(index: number): Entry {
    return this.entries[
      index < (this.kept ?? Number.POSITIVE_INFINITY) ? index : index - this.forgotten
    ] as Entry;
  }

  /** Forgets what every reader has had. */
  private forget(): void {
    if (this.kept === undefined) return;
    const had = Math.min(this.total, ...[...this.readers].map(({ next }) => next));
    const many = had - this.kept - this.forgotten;
    if (many <= 0) return;
    this.entries.splice(this.kept, many);
    this.forgotten += many;
  }

  private wake(): void {
    for (const woken of this.waiting.splice(0)) woken();
  }
}
