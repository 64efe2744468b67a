/**
 * Writes tables into the documentation, from those that the program itself reads. `--check` changes nothing and fails when
 * one is not as it should be; a test runs that.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newerCalls } from '../src/common/kernel/calls.js';
import { namespaces } from '../src/common/namespaces.js';
import { isBefore } from '../src/parent/advice/newer-kernel.js';
import { type Option, shownValue } from '../src/parent/command-line/option.js';
import { runOptions } from '../src/parent/commands/run/run-options.js';
import { aroundMarks } from './around-marks.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

const row = ({ name, describe, ...option }: Option): string =>
  `| \`--${name}${shownValue(option)}\` | ${describe.replaceAll('|', '\\|')} |`;

/** One table for each group of options. */
function optionTables(options: readonly Option[]): string {
  return [...new Set(options.map(({ group }) => group))]
    .map((group) => {
      const rows = options.filter((option) => option.group === group).map(row);
      return [`| ${group} | |`, '|---|---|', ...rows].join('\n');
    })
    .join('\n\n');
}

/** What is newer than the history of the kernel, the oldest first: calls, their later uses, and kinds of namespaces. */
function callTable(): string {
  const rows = [
    ...Object.entries(newerCalls).flatMap(([name, { later, ...call }]) => [
      { what: `${name}(2)`, ...call },
      ...(later === undefined ? [] : [{ what: `${name}(2) with ${later.with}`, ...later }]),
    ]),
    ...namespaces.map(({ name, clone, flag, since }) => ({
      what: `unshare(2) with ${clone}`,
      since,
      without: `there is no ${name} namespace (--${flag})`,
    })),
  ];
  return [
    '| Linux | what came with it | without it |',
    '|---|---|---|',
    ...rows
      .filter(({ since }) => isBefore('2.6.12', since))
      .sort(
        (one, other) => Number(isBefore(other.since, one.since)) - Number(isBefore(one.since, other.since)),
      )
      .map(({ what, since, without }) => `| ${since} | ${what} | ${without.replace(/--[\w-]+/g, '`$&`')} |`),
  ].join('\n');
}

const tables = [
  { page: 'docs/options.md', mark: 'options', text: optionTables(runOptions) },
  { page: 'docs/doctor.md', mark: 'calls', text: callTable() },
];

for (const { page, mark, text } of tables) {
  const file = join(root, page);
  const before = readFileSync(file, 'utf8');
  const { head, tail } = aroundMarks(before, mark);
  const after = `${head}\n\n${text}\n\n${tail}`;
  if (after === before) continue;
  if (process.argv.includes('--check')) {
    console.error(`The ${mark} in ${page} are not those of the program: run npm run docs.`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, after);
  }
}
