/** The tables of docs/machines.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aroundMarks } from '../around-marks.js';

const page = resolve(dirname(fileURLToPath(import.meta.url)), '../../docs/machines.md');

/**
 * Replaces the rows of the machines that were tried, and leaves the others.
 * @param name of the table, as the comments in front of it and behind it have it
 * @param rows each begins with the name of a machine
 */
export function written(name: 'results' | 'fixes', rows: readonly (readonly string[])[]): void {
  const text = readFileSync(page, 'utf8');
  const { head, tail } = aroundMarks(text, name);
  const table = text.slice(head.length, -tail.length).trim().split('\n');
  const tried = new Set(rows.map(([machine]) => machine));
  const kept = table.slice(2).filter((line) => !tried.has(line.split('|')[1]?.trim() ?? ''));
  const shown = rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  writeFileSync(
    page,
    `${head}\n${[...table.slice(0, 2), ...[...kept, ...shown].sort()].join('\n')}\n${tail}`,
  );
}
