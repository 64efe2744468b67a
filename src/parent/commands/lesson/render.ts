/**
 * Markdown for a terminal: the tokens of marked as lines, wrapped to its width. Only what lessons use. (The packages
 * that do this bring syntax highlighting, emoji and colours of their own, and follow marked a major version behind.)
 */
import type { Token, Tokens } from 'marked';
import { broken, columnsOf, wrapped } from '../../text/columns.js';
import { type Paint, painter } from '../../text/paint.js';

/** Lines longer than this are hard to read. */
const widest = 88;
const narrowest = 20;
const indent = '  ';

export class Renderer {
  readonly paint: Paint;

  /** @param columns of the terminal, asked again for each text: somebody may change the size of the window */
  constructor(
    colour: boolean,
    private readonly columns: () => number | undefined,
  ) {
    this.paint = painter(colour);
  }

  private get width(): number {
    return Math.max(narrowest, Math.min(this.window, widest) - 2 * indent.length);
  }

  private get window(): number {
    return this.columns() ?? widest;
  }

  heading(text: string): string {
    return this.wrap(this.paint('bold', text), '', indent);
  }

  /** A block, without an empty line after it. */
  block(token: Token): string {
    return this.lines(token, this.width)
      .map((line) => (line === '' ? '' : indent + line))
      .join('\n');
  }

  /** A line of text with `code` and **emphasis**, wrapped. */
  wrap(text: string, first = indent, later = indent): string {
    const width = this.width + indent.length - Math.max(first.length, later.length);
    return this.wrapped(text, Math.max(narrowest, width))
      .map((line, index) => (index === 0 ? first : later) + line)
      .join('\n');
  }

  /** A command as the lesson shows it before it is run. */
  command(text: string): string {
    return text
      .split('\n')
      .flatMap((line, index) => this.codeLines(`${index === 0 ? '$' : '>'} ${line}`, this.width))
      .join('\n');
  }

  /** A line that a command prints, as the lesson has it. */
  output(line: string): string {
    return this.brokenLine(line, 2 * indent.length)
      .map((piece) => indent + piece)
      .join('\n');
  }

  /** A line of an output in pieces that leave so many columns of the window free; broken at blanks where it can be. */
  brokenLine(line: string, free: number): string[] {
    const width = Math.max(narrowest, this.window - free - 1);
    return broken(line, width);
  }

  /** A line of code, broken at blanks; what goes on is set in. */
  private codeLines(line: string, width: number): string[] {
    return broken(line, width - 2 * indent.length)
      .map((piece, index) => (index === 0 ? piece : `    ${piece.trimStart()}`))
      .map((piece) => indent + this.paint('cyan', piece.trimEnd()));
  }

  inline(tokens: readonly Token[] = []): string {
    return tokens.map((token) => this.inlineToken(token)).join('');
  }

  private inlineToken(token: Token): string {
    switch (token.type) {
      case 'strong':
        return this.paint('bold', this.inline(token.tokens));
      case 'em':
        return this.paint('italic', this.inline(token.tokens));
      case 'codespan':
        return this.paint('cyan', token.text);
      case 'link':
        return token.href === token.text || !/^https?:/.test(token.href)
          ? this.inline(token.tokens)
          : `${this.inline(token.tokens)} (${token.href})`;
      case 'br':
        return '\n';
      default:
        return 'tokens' in token && token.tokens
          ? this.inline(token.tokens)
          : unescaped((token as Tokens.Text).text);
    }
  }

  private lines(token: Token, width: number): string[] {
    switch (token.type) {
      case 'heading':
        return this.wrapped(this.paint('bold', this.inline(token.tokens)), width);
      case 'code':
        return token.text.split('\n').flatMap((line: string) => this.codeLines(line, width));
      case 'list':
        return this.list(token as Tokens.List, width);
      case 'blockquote':
        return this.blocks(token.tokens ?? [], width - 2).map((line) => `${this.paint('dim', '▏')} ${line}`);
      case 'table':
        return this.table(token as Tokens.Table, width);
      case 'hr':
        return [this.paint('dim', '─'.repeat(width))];
      default:
        return this.wrapped('tokens' in token ? this.inline(token.tokens) : token.raw.trim(), width);
    }
  }

  private blocks(tokens: readonly Token[], width: number): string[] {
    return tokens
      .filter(({ type }) => type !== 'space')
      .flatMap((token, index) => [
        ...(index > 0 && token.type !== 'list' ? [''] : []),
        ...this.lines(token, width),
      ]);
  }

  private list({ items, ordered, start }: Tokens.List, width: number): string[] {
    return items.flatMap((item, index) => {
      const mark = ordered ? `${Number(start || 1) + index}. ` : '• ';
      return this.blocks(item.tokens, width - mark.length).map(
        (line, number) => (number === 0 ? mark : ' '.repeat(mark.length)) + line,
      );
    });
  }

  /** In columns where they fit; else each row as a small paragraph under its first cell. */
  private table({ header, rows }: Tokens.Table, width: number): string[] {
    const cells = [header, ...rows].map((row) => row.map(({ tokens }) => this.inline(tokens)));
    const widths = header.map((_, column) => Math.max(...cells.map((row) => columnsOf(row[column] ?? ''))));
    if (widths.reduce((sum, one) => sum + one + 2, 0) > width) {
      return cells
        .slice(1)
        .flatMap(([first = '', ...others]) => [
          ...this.wrapped(this.paint('bold', first), width),
          ...others.flatMap((text) => this.wrapped(text, width - 2).map((line) => indent + line)),
        ]);
    }
    return cells.map((row, index) => {
      const line = row
        .map((text, column) => text + ' '.repeat((widths[column] ?? 0) - columnsOf(text)))
        .join('  ');
      return index === 0 ? this.paint('bold', line) : line;
    });
  }

  private wrapped(text: string, width: number): string[] {
    // A line break in the source of a paragraph is a blank.
    return wrapped(text.replace(/(?<=\S)\n(?=\S)/g, ' '), width);
  }
}

/** marked leaves the entities of HTML in texts. */
const unescaped = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
