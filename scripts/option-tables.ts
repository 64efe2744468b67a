/**
 * Writes the tables of options into the documentation, from the same tables that the program reads. `--check` changes
 * nothing and fails when a table is not as it should be; a test runs that.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Option, shownValue } from '../src/parent/command-line/option.js';
import { runOptions } from '../src/parent/commands/run/run-options.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [begin, end] = ['<!-- options -->', '<!-- /options -->'];

const row = ({ name, describe, ...option }: Option): string =>
  `| \`--${name}${shownValue(option)}\` | ${describe.replaceAll('|', '\\|')} |`;

/** One table for each group of options. */
function tables(options: readonly Option[]): string {
  return [...new Set(options.map(({ group }) => group))]
    .map((group) => {
      const rows = options.filter((option) => option.group === group).map(row);
      return [`| ${group} | |`, '|---|---|', ...rows].join('\n');
    })
    .join('\n\n');
}

const file = join(root, 'docs/options.md');
const before = readFileSync(file, 'utf8');
const [head, tail] = [
  before.slice(0, before.indexOf(begin) + begin.length),
  before.slice(before.indexOf(end)),
];
const after = `${head}\n\n${tables(runOptions)}\n\n${tail}`;
if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('The options in docs/options.md are not those of the program: run npm run docs.');
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, after);
}
