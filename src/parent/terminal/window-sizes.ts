/** --window and --window-fd: the size of the command's own terminal, where no terminal of the caller says it. */
import { Socket } from 'node:net';
import { usageFailure } from '../../common/failure.js';
import type { WindowSize } from '../../common/kernel/terminal-modes.js';
import { LineSplitter } from '../../common/line-splitter.js';
import { windowSizeIn } from '../../common/window-size.js';
import { checkDescriptor } from '../command-line/descriptor-option.js';
import type { Values } from '../command-line/subcommand.js';

/** More than `65535x65535` has. */
const longestLine = 20;

export class WindowSizes {
  private source: Socket | undefined;

  private constructor(
    /** The size at first. */
    readonly first: WindowSize | undefined,
    private readonly descriptor: number | undefined,
  ) {}

  /**
   * @returns undefined where the options say nothing
   * @throws Failure with status 2
   */
  static of({ options }: Values): WindowSizes | undefined {
    const { window, pty, 'window-fd': descriptor } = options;
    if (window === undefined && descriptor === undefined) return undefined;
    if (!pty)
      throw usageFailure(`--${window === undefined ? 'window-fd' : 'window'} needs --pty`, 'Add --pty.');
    const first = window === undefined ? undefined : windowSizeIn(String(window));
    if (window !== undefined && first === undefined)
      throw usageFailure(`--window=${window} is not of the form COLUMNSxROWS`, 'For example: --window=80x24');
    if (descriptor !== undefined) checkDescriptor('window-fd', Number(descriptor), '--window-fd=3 3<FIFO');
    return new WindowSizes(first, descriptor === undefined ? undefined : Number(descriptor));
  }

  /** Whether others may come: then somebody is at the window. */
  get areFollowed(): boolean {
    return this.descriptor !== undefined;
  }

  /** Calls `take` for every size that comes. Lines that are none are left out. */
  follow(take: (size: WindowSize) => void): void {
    if (this.descriptor === undefined) return;
    const lines = new LineSplitter(longestLine);
    this.source = new Socket({ fd: this.descriptor, readable: true, writable: false });
    this.source.on('data', (bytes: Buffer) => {
      for (const line of lines.take(bytes)) {
        const size = windowSizeIn(line);
        if (size !== undefined) take(size);
      }
    });
    // Who sent sizes is gone: the window stays as it is.
    this.source.on('error', () => {});
  }

  end(): void {
    this.source?.destroy();
  }
}
