/** gontainer(1): whole, and in order for the programs that read it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { shownValue } from '../../src/parent/command-line/option.js';
import { globalOptions } from '../../src/parent/command-line/read-line.js';
import { commands } from '../../src/parent/commands/index.js';
import { lacking, program } from '../gontainer.js';

const file = join(dirname(program), 'gontainer.1');
const plain = readFileSync(file, 'utf8')
  .replace(/\\f[BIR]/g, '')
  .replaceAll('\\-', '-');

test('every command and option is in the manual page', () => {
  for (const { name, options, examples } of commands) {
    const from = plain.indexOf(`.SS gontainer ${name}\n`);
    assert.ok(from > 0, name);
    const end = plain.indexOf('\n.S', from + 1);
    const section = plain.slice(from, end);
    for (const option of options) {
      const tag = `.TP\n--${option.name}${option.alias === undefined ? '' : `, -${option.alias}`}`;
      assert.ok(section.includes(`${tag}${shownValue(option)}\n`), `${name} ${tag}`);
    }
    for (const [line] of examples) assert.ok(plain.includes(line.replaceAll('\\', '\\e')), line);
  }
  for (const { name } of globalOptions) assert.ok(plain.includes(`.TP\n--${name}`), name);
});

test('it has the sections of a manual page, in order', () => {
  const expected =
    'NAME SYNOPSIS DESCRIPTION COMMANDS OPTIONS,EXIT STATUS,ENVIRONMENT FILES EXAMPLES,SEE ALSO';
  const sections = [...plain.matchAll(/^\.SH (.+)$/gm)].map(([, name]) => name).join(' ');
  assert.equal(sections, expected.replaceAll(',', ' '));
});

test('man(1) has nothing to complain about', { skip: lacking('man', 'groff') }, () => {
  const { status, stdout, stderr } = spawnSync('man', ['--warnings', '-l', file], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '100' },
  });
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /gontainer - run a command in Linux namespaces and show every step/);
});

test('mandoc(1) has nothing to complain about', { skip: lacking('mandoc') }, () => {
  const { status, stdout } = spawnSync('mandoc', ['-Tlint', '-W', 'warning', file], { encoding: 'utf8' });
  assert.deepEqual([status, stdout], [0, '']);
});
