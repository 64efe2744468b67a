/** What the pages say is true: every command that they show is run, and what they show of its output is compared. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readLine } from '../../src/parent/command-line/read-line.js';
import { commands } from '../../src/parent/commands/index.js';
import { matchOutput, outputLines } from '../../src/parent/commands/lesson/expectation.js';
import { lacking, project, type User, users } from '../gontainer.js';
import {
  type Block,
  blocksOf,
  containerPrompt,
  forgotten,
  namedInSentences,
  pages,
  type ShownCommand,
} from './page-blocks.js';
import { PageShell, type Ran } from './page-shell.js';

const blocks = new Map(pages.map((page) => [page, blocksOf(page)]));
const all = [...blocks.values()].flat();
const isRun = ({ notRun, commands }: Block): boolean => notRun === undefined && commands.length > 0;

test('every block of a page is run, is no command, or says why it is not run', (t) => {
  for (const block of all) {
    assert.deepEqual(
      forgotten(block),
      [],
      `${block.page}:${block.line} has commands in a block that shows none`,
    );
    assert.notEqual(block.notRun, '', `${block.page}:${block.line} gives no reason`);
  }
  const count = (some: readonly Block[]): number => some.flatMap(({ commands }) => commands).length;
  t.diagnostic(`${count(all.filter(isRun))} commands of the pages are run`);
  for (const { page, line, commands, notRun } of all.filter(({ notRun }) => notRun !== undefined))
    t.diagnostic(`${page}:${line}: ${commands.length} not run: ${notRun}`);
});

test('every subcommand, option and script that a sentence names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  let names = 0;
  for (const page of pages)
    for (const text of namedInSentences(page)) {
      names += 1;
      const [program, ...words] = text
        .replace(/ --( .*)?$|[|…<].*|[[\]]/g, '')
        .trim()
        .split(/\s+/);
      if (program === 'npm') assert.ok((words[1] ?? '') in scripts, `${page}: ${text}`);
      if (program === 'gontainer' && words[0] !== 'SUBCOMMAND')
        assert.doesNotThrow(() => readLine([...words, '--help'], commands), `${page}: ${text}`);
    }
  assert.ok(names > 60, `only ${names} names were found`);
});

for (const user of users) {
  describe(`${user.name} who reads the pages`, { concurrency: 3, skip: user.skip }, () => {
    for (const [page, ofPage] of blocks) {
      const mine = ofPage.filter((block) => isRun(block) && concerns(block, user));
      if (mine.length === 0) continue;
      test(`finds that the commands of ${page} do what it shows`, { skip: needs(mine) }, async () => {
        const shell = new PageShell(user);
        try {
          const wrong: string[] = [];
          for (const block of mine) await runBlock(shell, block).catch(({ message }) => wrong.push(message));
          assert.ok(wrong.length === 0, wrong.join('\n\n'));
        } finally {
          await shell.close();
        }
      });
    }
  });
}

for (const user of users) {
  test(`${user.name}: every unshare(1) that a sentence names works`, {
    skip: user.skip || lacking('unshare'),
  }, async () => {
    const lines = pages
      .flatMap(namedInSentences)
      .filter((text) => text.startsWith('unshare -') && (user.uid === 0 || text.includes('--user')));
    assert.ok(lines.length >= 8, 'the attendee sheet has eight');
    const shell = new PageShell(user);
    try {
      const ran = await shell.run(lines, false);
      for (const [index, line] of lines.entries())
        assert.equal(ran[index]?.status, 0, `${line}: ${ran[index]?.output}`);
    } finally {
      await shell.close();
    }
  });
}

/** A clone is used by whoever has it. */
function concerns({ runBy, inTheClone }: Block, user: User): boolean {
  if (inTheClone) return user.uid === process.getuid?.();
  return runBy === 'both' || (runBy === 'root') === (user.uid === 0);
}

/** Programs that a page uses and a small system lacks. */
function needs(some: readonly Block[]): string | false {
  const text = some.flatMap(({ commands }) => commands.map(({ command }) => command)).join('\n');
  const programs = ['strace', 'jq', 'perl', 'lsns', 'nsenter', 'unshare', 'ip'];
  const terminal = some.some(({ typed }) => typed !== undefined) ? ['script'] : [];
  return lacking(
    'bash',
    ...terminal,
    ...programs.filter((name) => new RegExp(`(^|[ |])${name} `, 'm').test(text)),
  );
}

async function runBlock(shell: PageShell, block: Block): Promise<void> {
  const real = (text: string): string =>
    [...block.where, ['/tmp/', './'] as const].reduce(
      (known, [word, meaning]) => known.replaceAll(word, meaning),
      text,
    );
  if (block.typed !== undefined) {
    for (const shown of block.commands) {
      const answers = (shown.output ?? []).flatMap((row) => {
        const asked = containerPrompt.exec(row);
        return asked === null ? [] : [row.slice(asked[0].length)];
      });
      const typed = [...answers.filter(Boolean), ...block.typed];
      const ran = await shell.runInTerminal(
        block.before.map(real),
        real(shown.command),
        typed,
        block.inTheClone,
      );
      check(block, shown, ran, real);
    }
    return;
  }
  const ran = await shell.run(
    [...block.before, ...block.commands.map(({ command }) => command)].map(real),
    block.inTheClone,
  );
  for (const [index, command] of block.before.entries())
    assert.equal(
      ran[index]?.status,
      0,
      `${block.page}:${block.line}: before it, ${command}: ${ran[index]?.output}`,
    );
  for (const [index, shown] of block.commands.entries())
    check(block, shown, ran[block.before.length + index] as Ran, real);
}

function check(block: Block, shown: ShownCommand, ran: Ran, real: (text: string) => string): void {
  const place = `${block.page}:${shown.line}: ${shown.command}`;
  if (shown.output === undefined || shown.output.length === 0) {
    assert.ok(
      block.statuses(shown.command).includes(ran.status),
      `${place} ended with ${ran.status}:\n${ran.output}`,
    );
    return;
  }
  const expected = shown.output.map((row) => varying(real(row), block.varies));
  // What was typed to end it is no part of what the page shows.
  if (block.typed !== undefined && block.typed.length > 0) expected.push('…');
  assert.ok(
    matchOutput(outputLines(expected.join('\n')), outputLines(ran.output), new Map()),
    `${place} should print\n${shown.output.join('\n')}\nand prints\n${ran.output.split('\n').slice(0, 60).join('\n')}`,
  );
}

/**
 * What differs from run to run and from machine to machine: numbers of four digits and more, moments, the folder in a
 * prompt, and what the block says. The same number or word has to stay the same.
 */
function varying(row: string, words: readonly string[]): string {
  return words
    .reduce((known, word) => known.replaceAll(word, word.includes(' ') ? '…' : `‹${word}›`), row)
    .replace(/^(📦 \[[^\]]*\]) \S*/u, '$1 …')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '‹word› ‹word›')
    .replace(/(?<![\w.‹])\d{4,}(?![\w.›])/g, '‹$&›');
}
