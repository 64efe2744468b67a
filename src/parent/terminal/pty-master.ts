/**
 * --pty: the launcher's end of the command's own terminal (docs/terminal.md). It holds the master, so that nobody inside
 * holds the caller's terminal, and passes on what is typed and what is written.
 */
import { isatty } from 'node:tty';
import { Failure } from '../../common/failure.js';
import { memory } from '../../common/kernel/calls.js';
import type { Constant } from '../../common/kernel/constants.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import { drop } from '../../common/kernel/pipe.js';
import { takeDescriptor } from '../../common/kernel/take-descriptor.js';
import {
  awaitForeground,
  noModes,
  noWindowSize,
  rawModes,
  sameModes,
  setWindowSize,
  shownModes,
  shownWindowSize,
  silentModes,
  windowSizeBytes,
} from '../../common/kernel/terminal-modes.js';
import { ptyStep } from '../../common/steps/pty.js';
import { PtyRelay } from './pty-relay.js';
import { restoreModes, TerminalKeeper } from './terminal-keeper.js';
import type { WindowSizes } from './window-sizes.js';

const standardInput = 0;

export class PtyMaster {
  private master = -1;
  private keeping: TerminalKeeper | undefined;
  private relaying: PtyRelay | undefined;
  /** The modes of the caller's terminal, where standard input is one. */
  private modes: Buffer | undefined;
  /** The modes of the command's terminal when it starts. */
  private initial = noModes();

  /** @param sizes where they do not come from the caller's terminal */
  constructor(
    private readonly kernel: Kernel,
    private readonly sizes?: WindowSizes,
  ) {}

  /** The process that puts the caller's terminal in order if this one is killed. */
  get keeper(): number | undefined {
    return this.keeping?.pid;
  }

  /** In the background the caller's terminal has the modes of the shell that waits for a line there. */
  waitForForeground(): void {
    if (isatty(standardInput)) awaitForeground(standardInput);
  }

  /**
   * Takes the master out of the child. Then the terminal gets what the caller's has.
   * @param descriptor the child's descriptor of it
   * @param number the terminal's, as the child knows it
   */
  take(child: number, descriptor: number, number: number): void {
    const { kernel } = this;
    kernel.step = ptyStep.id;
    this.master = takeDescriptor(kernel, child, descriptor);
    const word = Buffer.alloc(4);
    const argp = memory(word, () => word.readUInt32LE(0));
    kernel.call('ioctl', { fd: this.master, request: 'TIOCGPTN', argp });
    if (word.readUInt32LE(0) !== number) throw notAsSet('what the child handed out is another terminal');
    if (isatty(standardInput)) {
      this.modes = this.modesOf(standardInput);
      this.initial = this.modes;
    } else {
      const modes = this.modesOf(this.master);
      // What comes from a file or a pipe is not shown a second time, unless somebody types it at a window.
      this.initial = this.sizes?.areFollowed ? modes : silentModes(modes);
    }
    this.setModes(this.master, this.initial);
    const size = [0, 1, 2].find((fd) => isatty(fd));
    if (this.sizes?.first !== undefined) this.setSize(windowSizeBytes(this.sizes.first));
    else if (size !== undefined) this.setSize(this.windowSize(size));
  }

  /** Gives the caller's terminal over to the one inside: it handles no key by itself any more, and edits no line. */
  prepare(): void {
    if (this.modes === undefined) return;
    this.keeping = new TerminalKeeper(this.kernel, restoreModes(this.modes));
    this.setModes(standardInput, rawModes(this.modes));
  }

  /** Passes on from here on what is typed and written, in both directions. */
  relay(hangUp: () => void): void {
    this.relaying = new PtyRelay(this.master, this.initial, this.modes, hangUp);
    this.sizes?.follow((size) => setWindowSize(this.master, size));
  }

  /** Lends the caller's terminal to `work`: nothing is passed on meanwhile, in either direction. */
  async lend<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.relaying === undefined ? work() : this.relaying.lend(work);
  }

  /** Everything inside has ended: writes what is left of its output and puts the caller's terminal in order. */
  async end(): Promise<void> {
    this.sizes?.end();
    await this.relaying?.end();
    this.kernel.step = ''; // It belongs to none, as what is done before the first.
    this.keeping?.end();
    if (this.master >= 0) drop(this.kernel, this.master);
  }

  private modesOf(fd: number): Buffer {
    const modes = noModes();
    this.kernel.call('ioctl', { fd, request: 'TCGETS', argp: memory(modes, () => shownModes(modes)) });
    return modes;
  }

  private setModes(fd: number, modes: Buffer): void {
    const now = this.set(fd, ['TCSETS', 'TCGETS'], modes, shownModes);
    if (!sameModes(now, modes)) throw notAsSet('the terminal has other modes than those that were set');
  }

  private windowSize(fd: number): Buffer {
    const size = noWindowSize();
    const argp = memory(size, () => shownWindowSize(size));
    this.kernel.call('ioctl', { fd, request: 'TIOCGWINSZ', argp });
    return size;
  }

  private setSize(size: Buffer): void {
    const now = this.set(this.master, ['TIOCSWINSZ', 'TIOCGWINSZ'], size, shownWindowSize);
    if (!now.equals(size)) throw notAsSet('the terminal has another window size than the one that was set');
  }

  /** Sets something and reads it back. */
  private set(
    fd: number,
    [set, get]: readonly [Constant, Constant],
    content: Buffer,
    shown: (bytes: Buffer) => string,
  ): Buffer {
    const now = Buffer.from(content);
    this.kernel.call('ioctl', { fd, request: set, argp: memory(content, shown(content)) });
    this.kernel.call('ioctl', { fd, request: get, argp: memory(now, () => shown(now)) });
    return now;
  }
}

const notAsSet = (what: string): Failure =>
  new Failure(`step ${ptyStep.id}: the kernel reported success, but ${what}`, {
    next: 'This should not happen: please report it with the log (--log-file).',
  });
