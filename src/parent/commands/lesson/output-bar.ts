/** The output of a lesson's command as the learner sees it: a bar before each line, and no line wider than the window. */
import { shownLines } from '../../../common/shown-text.js';
import type { Renderer } from './render.js';

/** Tab stops of a terminal: console_codes(4). */
const tabStop = 8;

export class OutputBar {
  /** A line whose end has not come yet. */
  private rest = '';
  private readonly bar: string;

  constructor(
    private readonly renderer: Renderer,
    private readonly write: (text: string) => void,
  ) {
    this.bar = `  ${renderer.paint('dim', '│')} `;
  }

  take(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.line(line);
  }

  /** Nothing more comes. */
  finish(): void {
    if (this.rest !== '') this.line(this.rest);
    this.rest = '';
  }

  /** What a container or a program prints is not ours: a terminal must not obey it. */
  private line(text: string): void {
    const shown = withoutTabs(shownLines(text.replace(/\r$/, '')));
    for (const line of this.renderer.brokenLine(shown, '  │ '.length)) this.write(`${this.bar}${line}\n`);
  }
}

const withoutTabs = (line: string): string =>
  line.split('\t').reduce((before, part) => before + ' '.repeat(tabStop - (before.length % tabStop)) + part);
