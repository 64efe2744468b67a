/**
 * Passes on, while the command runs, what is typed in the caller's terminal and what is written in the command's. Reading
 * and writing of the master block, each in a thread of Node's pool: a poll of a pseudo-terminal reports its end before all
 * that was written is read, and would lose it.
 */
import { read, write } from 'node:fs';
import { promisify } from 'node:util';
import { copyWindowSize, endOfInput, rawModes, setModes } from '../../common/kernel/terminal-modes.js';
import { hasTerminal } from './job-control.js';

const [readSome, writeSome] = [promisify(read), promisify(write)];
const standardInput = 0;

/** Milliseconds: what a command has written is on its way for less, and for no more is it waited. */
const [quiet, mostAwaited] = [50, 500];

export class PtyRelay {
  private readonly output: Promise<void>;
  /** Whether the last line that was typed is complete. */
  private lineComplete = true;
  private hungUp = false;
  /** Settles when the caller's terminal is not lent to anybody any more. */
  private lent: Promise<void> | undefined;
  private lastShown = 0;
  private over = false;
  /** Settles when all that was typed so far is written. */
  private sent: Promise<boolean> = Promise.resolve(true);

  /**
   * @param initial the modes of the command's terminal
   * @param modes those of the caller's, where standard input is one
   * @param hangUp tells the command that nobody sees its output any more
   */
  constructor(
    private readonly master: number,
    private readonly initial: Buffer,
    private readonly modes: Buffer | undefined,
    private readonly hangUp: () => void,
  ) {
    process.on('SIGWINCH', this.resized);
    process.on('SIGCONT', this.continued);
    process.on('SIGTSTP', this.stopped);
    process.stdout.on('error', this.lost);
    process.stdin.on('data', this.typed).on('end', this.typedAll).on('error', this.typedAll);
    this.output = this.passOutput();
  }

  /** Lends the caller's terminal to `work`, once what the command has written so far is there. */
  async lend<Result>(work: () => Promise<Result>): Promise<Result> {
    const from = performance.now();
    do await new Promise((done) => setTimeout(done, quiet));
    while (performance.now() - this.lastShown < quiet && performance.now() - from < mostAwaited);
    let back = (): void => {};
    this.lent = new Promise((done) => {
      back = done;
    });
    process.stdin.pause();
    try {
      return await work();
    } finally {
      this.lent = undefined;
      back();
      if (!this.over) process.stdin.resume();
    }
  }

  /** Waits until all that was written is passed on, which is when nobody inside has the terminal open any more. */
  async end(): Promise<void> {
    this.over = true;
    await this.output;
    process.stdin.pause();
    process.stdin.off('data', this.typed).off('end', this.typedAll).off('error', this.typedAll);
    process.stdout.off('error', this.lost);
    process.off('SIGWINCH', this.resized);
    process.off('SIGCONT', this.continued);
    process.off('SIGTSTP', this.stopped);
    this.restore();
  }

  private async passOutput(): Promise<void> {
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      // EIO: no process has the terminal open any more.
      const { bytesRead } = await readSome(this.master, buffer, 0, buffer.length, null).catch(() => ({
        bytesRead: 0,
      }));
      if (bytesRead === 0) return;
      // A reader that went away: the rest is read all the same, or the command would wait for ever.
      await this.lent;
      if (!this.hungUp) await this.show(Buffer.from(buffer.subarray(0, bytesRead)));
    }
  }

  private show(bytes: Buffer): Promise<void> {
    this.lastShown = performance.now();
    return new Promise((done) => {
      process.stdout.write(bytes, () => done());
    });
  }

  private readonly lost = (): void => {
    if (!this.hungUp) this.hangUp();
    this.hungUp = true;
  };

  private readonly typed = async (bytes: Buffer): Promise<void> => {
    process.stdin.pause();
    this.lineComplete = bytes.at(-1) === 10;
    // Meanwhile the terminal may have been lent.
    if ((await this.send(bytes)) && this.lent === undefined) process.stdin.resume();
  };

  /** As Ctrl-D does: ends the line if it is not complete, and then the input. */
  private readonly typedAll = async (): Promise<void> => {
    const end = endOfInput(this.initial);
    if (this.lineComplete || (await this.send(end))) await this.send(end);
  };

  /** @returns whether the terminal took it: it does not when no process has it open any more */
  private send(bytes: Buffer): Promise<boolean> {
    // One after the other: the end may be read while what came before it is still being written.
    this.sent = this.sent.then(() => this.write(bytes));
    return this.sent;
  }

  private async write(bytes: Buffer): Promise<boolean> {
    try {
      for (let done = 0; done < bytes.length; )
        done += (await writeSome(this.master, bytes, done, bytes.length - done, null)).bytesWritten;
      return true;
    } catch {
      return false;
    }
  }

  private readonly resized = (): void => copyWindowSize(this.sizeSource, this.master);

  private get sizeSource(): number {
    return [process.stdin, process.stdout, process.stderr].findIndex(({ isTTY }) => isTTY);
  }

  /** After a stop the shell has its own modes set; in the background they stay. */
  private readonly continued = (): void => {
    if (this.modes !== undefined && hasTerminal()) setModes(standardInput, rawModes(this.modes));
    this.resized();
  };

  /** Sent by somebody: Ctrl-Z is a character like any other here. */
  private readonly stopped = (): void => {
    this.restore();
    process.kill(process.pid, 'SIGSTOP');
  };

  private restore(): void {
    if (this.modes !== undefined && hasTerminal()) setModes(standardInput, this.modes);
  }
}
