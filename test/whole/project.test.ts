/** The project itself: what the documentation says of it is true. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { project } from '../gontainer.js';

const markdown = [
  'README.md',
  ...readdirSync(join(project, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

test('the options in README.md are those of the program', () => {
  const words = ['--import', 'tsx', 'scripts/option-tables.ts', '--check'];
  const { status, stderr } = spawnSync(process.execPath, words, { cwd: project, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('every link in the documentation leads to something', () => {
  for (const file of markdown) {
    const text = readFileSync(join(project, file), 'utf8').replace(/```[\s\S]*?```/g, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|#)/.test(target)) continue;
      const path = resolve(project, dirname(file), target.split('#')[0] as string);
      assert.ok(existsSync(path), `${file} links to ${target}`);
    }
  }
});
