/**
 * Writes the types of the library that say the same as something else does: its options, from the table of options, and
 * the records of the log, from their schema. `--check` changes nothing and fails when a file is not as it should be; a
 * test runs that.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { leftOut, optionOf, propertyOf } from '../src/library/left-out.js';
import type { Option } from '../src/parent/command-line/option.js';
import { runOptions } from '../src/parent/commands/run/run-options.js';
import { formatted } from './formatted.js';
import { recordTypes } from './record-types.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** What an option is in a program: a flag is true, a list is one of strings. */
function typeOf({ kind, alone, choices }: Option): string {
  if (alone !== undefined) return 'boolean | string';
  if (choices !== undefined) return choices.map((choice) => `'${choice}'`).join(' | ');
  return { flag: 'boolean', text: 'string', number: 'number', decimal: 'number', list: 'readonly string[]' }[
    kind
  ];
}

/** As src/library/option-kinds.ts has them. */
function kindOf({ kind, alone }: Option): string {
  if (alone !== undefined) return 'flag or value';
  return kind === 'flag' || kind === 'list' ? kind : 'value';
}

function member(option: Option): string {
  const property = propertyOf(option.name);
  if (optionOf(property) !== option.name) throw new Error(`${option.name} has no name in a program`);
  const value = option.value === undefined ? '' : `${option.value}: `;
  return `/** ${value}${option.describe.replaceAll('*/', '* /')} */\n${property}?: ${typeOf(option)} | undefined;`;
}

const forPrograms = runOptions.filter(({ name }) => !leftOut.includes(name));

const options = `/**
 * What a launch may be asked for: the options of \`gontainer run\`, by the same names in one word.
 * Written by scripts/library-types.ts from src/parent/commands/run/run-options.ts.
 */
export interface RunOptions {
${forPrograms.map(member).join('\n')}
}

/** Their names, and what each takes. */
export const runOptionKinds: Readonly<Record<keyof RunOptions, 'flag' | 'value' | 'flag or value' | 'list'>> = {
${forPrograms.map((option) => `${propertyOf(option.name)}: '${kindOf(option)}',`).join('\n')}
};
`;

const schema = JSON.parse(readFileSync(join(root, 'docs/log.schema.json'), 'utf8'));
const files = { 'src/library/launch-options.ts': options, 'src/library/records.ts': recordTypes(schema) };
for (const [name, text] of Object.entries(files)) {
  const file = join(root, name);
  const after = formatted(text, file);
  if (!process.argv.includes('--check')) writeFileSync(file, after);
  else if (after !== readFileSync(file, 'utf8')) {
    console.error(`${relative(root, file)} is not what it is made from: run npm run docs.`);
    process.exitCode = 1;
  }
}
