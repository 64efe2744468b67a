/** Writes into dist/ what the package has beside the program: types, the manual page, and shell completion. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commands } from '../src/parent/commands/index.js';
import { bashCompletion } from './completion/bash.js';
import { fishCompletion } from './completion/fish.js';
import { zshCompletion } from './completion/zsh.js';
import { manPage } from './man-page.js';
import { writePublishedTypes } from './published-types.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const lessons = readdirSync(join(root, 'docs/lessons')).flatMap(
  (file) => /^\d+-(.+)\.md$/.exec(file)?.[1] ?? [],
);
// SOURCE_DATE_EPOCH makes a build that can be repeated: reproducible-builds.org.
const built = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000) * 1000);

mkdirSync(join(root, 'dist/completions'), { recursive: true });
const files = {
  'gontainer.1': manPage(commands, version, built.toISOString().slice(0, 10)),
  'completions/gontainer.bash': bashCompletion(commands, { lessons }),
  'completions/_gontainer': zshCompletion(commands, { lessons }),
  'completions/gontainer.fish': fishCompletion(commands, { lessons }),
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'dist', name), text);
writePublishedTypes(root);
