/**
 * What a launch tells, in order. It is kept, so that whoever starts to read late, or reads a second time, gets all of it: a
 * launch has some hundred records, and none after its command runs but those of its end.
 */
export class Story<Entry> {
  private readonly entries: Entry[] = [];
  private over = false;
  private waiting: (() => void)[] = [];

  add(entry: Entry): void {
    this.entries.push(entry);
    this.wake();
  }

  /** Nothing follows. */
  end(): void {
    this.over = true;
    this.wake();
  }

  /** Every entry from the first on, as it comes, until the end. */
  async *read(): AsyncGenerator<Entry, void, undefined> {
    for (let next = 0; ; next += 1) {
      while (next === this.entries.length) {
        if (this.over) return;
        await new Promise<void>((woken) => this.waiting.push(woken));
      }
      yield this.entries[next] as Entry;
    }
  }

  private wake(): void {
    for (const woken of this.waiting.splice(0)) woken();
  }
}
