import { spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** TypeScript as `npm run format` writes it. */
export function formatted(text: string, file: string): string {
  const words = ['format', `--stdin-file-path=${file}`];
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/biome'), words, {
    cwd: root,
    input: text,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`biome ${words.join(' ')}: ${stderr}`);
  return stdout;
}
