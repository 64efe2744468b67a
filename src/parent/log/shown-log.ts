/** The part of the log that somebody sees: on standard error, from a level on. */
import pino from 'pino';
import { inform } from '../../common/print.js';
import type { Level } from './log-options.js';

export class ShownLog {
  private readonly waiting: (() => string)[] = [];
  private held = false;
  private left = false;

  /**
   * @param level the lowest level that is shown
   * @param isTerminal whether it belongs to the command while that runs; anything else may be written at once
   */
  constructor(
    private readonly level: Level,
    private readonly standardError: number,
    readonly isTerminal: boolean,
  ) {}

  /**
   * Shows a text, now or when the terminal is free again.
   * @param text makes it, where it is shown
   */
  write(level: Exclude<Level, 'silent'>, text: () => string): void {
    if (this.left || !this.shows(level)) return;
    if (this.held && this.isTerminal) this.waiting.push(text);
    else this.show(text());
  }

  hold(held: boolean): void {
    this.held = held;
    if (!held) for (const text of this.waiting.splice(0)) this.show(text());
  }

  /** From here on nothing is shown. */
  leave(): void {
    this.left = true;
    this.waiting.length = 0;
  }

  private show(text: string): void {
    if (text !== '') inform(text, this.standardError);
  }

  private shows(level: Exclude<Level, 'silent'>): boolean {
    const { values } = pino.levels;
    return this.level !== 'silent' && (values[level] ?? 0) >= (values[this.level] ?? 0);
  }
}
