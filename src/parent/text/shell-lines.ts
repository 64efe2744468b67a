/** A step's shell command as lines for a reader: one command a line. */

import { indented } from './columns.js';
import type { Paint } from './paint.js';
import { stepIndent } from './step-indent.js';

/** What opens a part that stays together, and what closes it. */
const opening = new Set(['for', 'while', 'if', '{', '(']);
const closing = new Set(['done', 'fi', '}', ')']);

/** The commands of a list, taken apart at `;` and `&&`, but not within quotes, loops, conditions and groups. */
function commandsOf(shell: string): string[] {
  const commands: string[] = [];
  let [depth, quote, command] = [0, '', ''];
  for (const piece of shell.split(/(\s+|;|["'])/)) {
    if (quote !== '') quote = piece === quote ? '' : quote;
    else if (piece === '"' || piece === "'") quote = piece;
    else if (opening.has(piece)) depth += 1;
    else if (closing.has(piece)) depth -= 1;
    else if (depth === 0 && (piece === ';' || piece === '&&')) {
      commands.push(command.trim());
      command = '';
      continue;
    }
    command += piece;
  }
  return [...commands, command.trim()].filter((each) => each !== '');
}

/**
 * The command that shows the idea first, and then all that the step does.
 * @param most how many lines there may be
 */
export function shellLines(
  { shell, gist }: { readonly shell: string; readonly gist?: string | undefined },
  columns: number,
  paint: Paint,
  most: number,
): string[] {
  const command = (text: string): string[] => {
    const [first = '', ...more] = indented(text, columns - stepIndent.length - 2, '', '    ');
    return [`${stepIndent}${paint('cyan', '$')} ${first}`, ...more.map((line) => `${stepIndent}  ${line}`)];
  };
  const all = commandsOf(shell).flatMap(command);
  if (gist === undefined || gist === shell) return shortened(all, most);
  return [...command(gist), `${stepIndent}${paint('dim', 'in full:')}`, ...shortened(all, most)];
}

const shortened = (lines: string[], most: number): string[] =>
  lines.length <= most
    ? lines
    : [...lines.slice(0, most - 1), `${stepIndent}  … and ${lines.length - most + 1} more lines`];
