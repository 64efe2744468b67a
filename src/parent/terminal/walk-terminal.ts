/** The controlling terminal, for showing steps and waiting for single keys: tty(4). */
import { openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';
import { usageFailure } from '../../common/failure.js';
import { windowSize } from '../../common/kernel/terminal-modes.js';
import { columnsOf } from '../text/columns.js';

/** Ctrl-C, as raw mode delivers it. */
export const interruptKey = '\u0003';

const terminalPath = '/dev/tty';
/** Back to its beginning, and everything after the cursor away: console_codes(4). */
const eraseLine = '\r\u001b[K';
/** A character, or what a key like an arrow sends: console_codes(4). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what such a key begins with
const oneKey = /\u001b(?:\[[\d;]*[A-Za-z~]|O.)|./gsu;

/** Where keys come from, and where steps are shown. */
export interface Streams {
  readonly input: ReadStream;
  readonly output: WriteStream;
  /** How wide the window is now. */
  readonly columns: () => number | undefined;
}

/**
 * Standard input may be a file for the command, so keys come from the controlling terminal itself.
 * @param who what waits for them, for the message
 * @throws Failure with status 2 when this process has none
 */
export function controllingTerminal(who: string): Streams {
  try {
    const input = new ReadStream(openSync(terminalPath, 'r'));
    const window = openSync(terminalPath, 'w');
    // Asked again: Node learns of a change only for the streams of the process.
    return { input, output: new WriteStream(window), columns: () => windowSize(window)?.columns };
  } catch {
    throw usageFailure(
      `${who} waits for keys at a terminal, and there is none`,
      'Run it in a terminal, or see all steps at once with --dry-run.',
    );
  }
}

/**
 * The terminal is in raw mode only while a key is waited for, and nothing is read from it in between. Reading does not
 * block: signals are handled.
 */
export class WalkTerminal {
  private readonly input: ReadStream;
  private readonly output: WriteStream;
  private readonly window: Streams['columns'];
  /** Keys that were typed ahead. */
  private readonly keys: string[] = [];
  private asks = false;
  private released = false;

  constructor({ input, output, columns }: Streams) {
    this.input = input;
    this.output = output;
    this.window = columns;
    this.input.setEncoding('utf8');
    // Its window was closed, of which its end tells, too.
    this.input.on('error', () => {});
    this.output.on('error', () => {});
    process.on('exit', this.release);
  }

  get columns(): number {
    return this.window() ?? 80;
  }

  /** How wide text is shown: in a wider window it would be hard to read, and in a narrower one it makes no lines any more. */
  get textColumns(): number {
    return Math.max(40, Math.min(110, this.columns - 1));
  }

  /** The longest of these prompts that fits into the window, beside its cursor: only one line could be taken away again. */
  fitting(prompts: readonly string[]): string {
    return `${prompts.find((text) => columnsOf(text) <= this.columns - 2) ?? prompts.at(-1)} `;
  }

  write(text: string): void {
    if (!this.released) this.output.write(text);
  }

  /**
   * Shows a prompt until the next key is typed, and returns the key. Ctrl-C, which raw mode delivers as a character, is
   * the signal that it stands for.
   */
  async ask(prompt: string): Promise<string> {
    const key = await this.key(prompt);
    if (key !== interruptKey) return key;
    // At once: nothing else may keep this process waiting, and on Windows kill() would end it.
    if (!process.emit('SIGINT', 'SIGINT')) process.kill(process.pid, 'SIGINT');
    // The signal gives the launch up, and nobody waits for this key any more.
    return new Promise(() => {});
  }

  /** Shows a prompt until the next key is typed, whatever it is; Ctrl-C stands for the end of the terminal, too. */
  async key(prompt: string): Promise<string> {
    this.write(prompt);
    this.asks = true;
    const key = this.keys.shift() ?? (await this.read());
    this.erasePrompt();
    return key;
  }

  /** Leaves the terminal as it was found. */
  readonly release = (): void => {
    if (this.released) return;
    this.erasePrompt();
    this.released = true;
    process.off('exit', this.release);
    this.input.setRawMode(false);
    this.input.destroy();
    this.output.destroy();
  };

  private erasePrompt(): void {
    if (this.asks) this.write(eraseLine);
    this.asks = false;
  }

  private async read(): Promise<string> {
    this.input.setRawMode(true);
    const typed = await new Promise<string>((resolve) => {
      const hungUp = (): void => {
        if (!this.released) resolve(interruptKey);
      };
      this.input.once('data', (text) => {
        this.input.off('close', hungUp);
        this.input.pause();
        resolve(String(text));
      });
      this.input.once('close', hungUp);
      this.input.resume();
    });
    if (!this.input.destroyed) this.input.setRawMode(false);
    const [first = '', ...rest] = typed.match(oneKey) ?? [];
    this.keys.push(...rest);
    return first;
  }
}
