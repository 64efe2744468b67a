/** The reader of the command line gives back what was put into it, for every subcommand and spelling, by property. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Option } from '../../../src/parent/command-line/option.js';
import { type Line, readLine } from '../../../src/parent/command-line/read-line.js';
import type { Subcommand, Values } from '../../../src/parent/command-line/subcommand.js';
import { commands } from '../../../src/parent/commands/index.js';

type Value = NonNullable<Values['options'][string]>;

/** Text that a value may be: anything that a shell can pass. */
const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((value) => !value.includes('\0'));
/** Text that is no option, as a word that stands for itself. */
const word = text.filter((given) => !given.startsWith('-'));

/** Any value of an option. */
function anyValue({ kind, choices }: Option): fc.Arbitrary<Value> {
  switch (kind) {
    case 'flag':
      return fc.constant(true);
    case 'number':
      return fc.maxSafeInteger();
    case 'decimal':
      return fc.integer().map((thousandths) => thousandths / 1000);
    case 'list':
      return fc.array(text, { minLength: 1, maxLength: 4 });
    case 'text':
      return choices ? fc.constantFrom(...choices) : text;
  }
}

/** An option with its value as words of a command line, in each spelling that is accepted; a list in several places. */
function spelled({ name, alias, kind, alone }: Option, value: Value): fc.Arbitrary<string[][]> {
  const names = fc.constantFrom(`-${name}`, `--${name}`, ...(alias === undefined ? [] : [`-${alias}`]));
  if (kind === 'flag') return names.map((typed) => [[typed]]);
  const one = (given: string): fc.Arbitrary<string[]> =>
    fc
      .tuple(names, fc.boolean())
      .map(([typed, joined]) =>
        joined || alone !== undefined || given.startsWith('-') ? [`${typed}=${given}`] : [typed, given],
      );
  return fc.tuple(...[value].flat().map((single) => one(String(single))));
}

/** A subcommand's values, and one of the lines that mean them. */
function lineOf(subcommand: Subcommand): fc.Arbitrary<{ values: Values; line: string[] }> {
  const { name, options, positionals } = subcommand;
  const names = positionals.filter(({ takes }) => takes !== 'rest').map((positional) => positional.name);
  const takesRest = positionals.some(({ takes }) => takes === 'rest');
  return fc
    .record({
      given: fc
        .subarray([...options])
        .chain((chosen) =>
          fc.tuple(...chosen.map((option) => anyValue(option).map((value) => ({ option, value })))),
        ),
      words: fc.tuple(...names.map(() => word)),
      rest: takesRest ? fc.array(text) : fc.constant([]),
    })
    .chain(({ given, words, rest }) =>
      fc
        .tuple(...given.map(({ option, value }) => spelled(option, value)))
        .chain((groups) => interleaved(groups))
        .map((spelling) => ({
          values: {
            options: Object.fromEntries(given.map(({ option, value }) => [option.name, value])),
            positionals: Object.fromEntries(names.map((positional, index) => [positional, words[index]])),
            rest,
          },
          line: [...name.split(' '), ...spelling.flat(), ...words, '--', ...rest],
        })),
    );
}

/** The items of all groups in any order that leaves those of one group in theirs. */
function interleaved<Item>(groups: readonly Item[][]): fc.Arbitrary<Item[]> {
  const places = groups.flatMap((group, index) => group.map(() => index));
  return fc.shuffledSubarray(places, { minLength: places.length }).map((order) => {
    const left = groups.map((group) => [...group]);
    return order.map((index) => left[index]?.shift() as Item);
  });
}

for (const subcommand of commands) {
  test(`${subcommand.name}: any values come back from any line that means them`, () => {
    fc.assert(
      fc.property(lineOf(subcommand), ({ values, line }) => {
        assert.deepEqual(readLine(line, commands), { asks: 'run', subcommand, values });
      }),
    );
  });
}

/** The values that these words mean. */
function read(...words: string[]): Values {
  const line = readLine(words, commands);
  assert.ok(line.asks === 'run');
  return line.values;
}

test('one dash and two, a blank and =, and -run anywhere mean the same', () => {
  const expected = read('run', '--uid', '--mnt', '/x', '--uts', '--hostname', 'box', '--', 'ls', '-l');
  assert.deepEqual(read('-run', '-uid', '-mnt=/x', '-uts', '-hostname=box', '--', 'ls', '-l'), expected);
  assert.deepEqual(
    read('-uid', '-uts', '-hostname', 'box', '-mnt', '/x', '-run', '--', 'ls', '-l'),
    expected,
  );
  assert.deepEqual(read('run', '-uid', '--uts', '-mnt', '/x', '--hostname=box', 'ls', '-l'), expected);
});

test('quotes and signs that a value begins or ends with belong to it', () => {
  const { options } = read('run', '-env', `''`, '--env="A=b"', `-bind='`, '--mnt==', '--boottime=-5');
  assert.deepEqual(options, { env: [`''`, '"A=b"'], bind: [`'`], mnt: '=', boottime: -5 });
});

test('of an option that is given twice the last value counts', () => {
  assert.deepEqual(read('run', '--hostname', 'a', '-hostname=b').options, { hostname: 'b' });
});

test('the words of the container’s command are not read as options', () => {
  const { options, rest } = read('run', '--uid', 'sh', '-run', '--help', '-uid');
  assert.deepEqual(options, { uid: true });
  assert.deepEqual(rest, ['sh', '-run', '--help', '-uid']);
});

test('an option that means something alone takes no word that follows it', () => {
  const read = (...words: string[]) =>
    readLine(['run', ...words], commands) as Extract<Line, { asks: 'run' }>;
  const alone = read('--watch', 'ls').values;
  assert.deepEqual([alone.options.watch, alone.rest], ['all', ['ls']]);
  assert.equal(read('-watch=files,ipc').values.options.watch, 'files,ipc');
  assert.throws(() => read('--watch='), /--watch needs a value/);
});
