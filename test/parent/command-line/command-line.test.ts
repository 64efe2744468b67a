/** The command line is read alike by yargs and by the plain reader: for every accepted line, by property. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonical } from '../../../src/parent/command-line/canonical-line.js';
import { readValues } from '../../../src/parent/command-line/help.js';
import type { Option } from '../../../src/parent/command-line/option.js';
import { isPlain, plainValues } from '../../../src/parent/command-line/values.js';
import { commands } from '../../../src/parent/commands/index.js';
import { runOptions } from '../../../src/parent/commands/run/run-options.js';

/** Text that a value may be: anything that a shell can pass. */
const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((value) => !value.includes('\0'));

/** One option as words of a command line, in each spelling that is accepted. */
function spelled({ name, kind, choices }: Option): fc.Arbitrary<string[]> {
  const dashes = fc.constantFrom('-', '--');
  if (kind === 'flag') return dashes.map((dash) => [`${dash}${name}`]);
  const value = choices ? fc.constantFrom(...choices) : kind === 'number' ? fc.integer().map(String) : text;
  const separate = value.filter((given) => !given.startsWith('-'));
  return fc.oneof(
    fc.tuple(dashes, value).map(([dash, given]) => [`${dash}${name}=${given}`]),
    fc.tuple(dashes, separate).map(([dash, given]) => [`${dash}${name}`, given]),
  );
}

/** An option may be given once, a list several times. */
const options = fc
  .subarray([...runOptions, ...runOptions.filter(({ kind }) => kind === 'list')])
  .chain((chosen) => fc.tuple(...chosen.map(spelled)))
  .chain((chosen) => fc.shuffledSubarray(chosen, { minLength: chosen.length }))
  .map((chosen) => chosen.flat());

const command = fc.option(fc.array(text, { minLength: 1 }), { nil: undefined });
const name = fc.constantFrom('run', '-run', '--run');

test('yargs and the plain reader read every accepted command line alike', () => {
  fc.assert(
    fc.property(name, options, command, (run, given, words) => {
      const line = canonical([run, ...given, ...(words === undefined ? [] : ['--', ...words])], commands);
      assert.ok(isPlain(line));
      const [plain, thorough] = [plainValues(line), readValues(line)];
      const present = Object.fromEntries(
        Object.entries(thorough.options).filter(([, value]) => value !== undefined),
      );
      assert.deepEqual(plain.options, present);
      assert.deepEqual(plain.rest, thorough.rest);
    }),
    { numRuns: 300, examples: [['run', ['-env', `''`, '--env="A=b"', `-bind='`], undefined]] },
  );
});

test('both spellings mean the same', () => {
  const read = (...words: string[]) => {
    const line = canonical(words, commands);
    assert.ok(isPlain(line));
    return plainValues(line);
  };
  const expected = read('run', '--uid', '--mnt', '/x', '--uts', '--hostname', 'box', '--', 'ls', '-l');
  assert.deepEqual(read('-run', '-uid', '-mnt=/x', '-uts', '-hostname=box', '--', 'ls', '-l'), expected);
  assert.deepEqual(
    read('-uid', '-uts', '-hostname', 'box', '-mnt', '/x', '-run', '--', 'ls', '-l'),
    expected,
  );
  assert.deepEqual(read('run', '-uid', '--uts', '-mnt', '/x', '--hostname=box', 'ls', '-l'), expected);
});

test('the words of the container’s command are its own', () => {
  const line = canonical(['run', '--uid', 'sh', '-run', '--help', '-uid'], commands);
  assert.deepEqual(line.options, ['--uid']);
  assert.deepEqual(line.words, ['sh', '-run', '--help', '-uid']);
});
