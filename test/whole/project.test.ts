/** The project itself: what the documentation says of it is true. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { project } from '../gontainer.js';

const markdown = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...readdirSync(join(project, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

test('the options and the calls in the documentation are those of the program', () => {
  const words = ['--import', 'tsx', 'scripts/tables.ts', '--check'];
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

test('every picture in docs is made by a script and shown by a page', () => {
  const scripts = ['pictures.ts', 'present-pictures.ts', 'report-pictures.ts']
    .map((name) => readFileSync(join(project, 'scripts', name), 'utf8'))
    .join('\n');
  const made = [...scripts.matchAll(/^ +(?:\{ )?name: '([\w-]+)',/gm)].map(([, name]) => `${name}.png`);
  const there = readdirSync(join(project, 'docs')).filter((name) => name.endsWith('.png'));
  assert.deepEqual(there, made.sort());
  const pages = markdown.map((file) => readFileSync(join(project, file), 'utf8')).join('\n');
  for (const name of there)
    assert.match(pages, new RegExp(`!\\[[^\\]]+\\]\\((?:[./]*|docs/)${name}\\)`), name);
});

test('every file of the project that a page names is there', () => {
  let names = 0;
  for (const file of markdown) {
    const text = readFileSync(join(project, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/`((?:src|scripts|test|docs|\.ci)\/[\w./-]+)`/g)) {
      assert.ok(existsSync(join(project, name)), `${file} names ${name}`);
      names += 1;
    }
  }
  assert.ok(names > 20, `only ${names} names were found`);
});
