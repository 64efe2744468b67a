import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Writes the types of the library into dist/types: those of its entry, and of the files that these name. */
export function writePublishedTypes(root: string): void {
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'tsconfig.types.json')], {
    stdio: ['ignore', 2, 2],
  });
  const types = join(root, 'dist/types');
  const named = reachable(join(types, 'library/index.d.ts'));
  for (const name of readdirSync(types, { recursive: true, encoding: 'utf8' })) {
    const file = join(types, name);
    if (name.endsWith('.d.ts') && !named.has(file)) rmSync(file);
  }
  // The library is CommonJS, for import and require alike, in a package whose files are ES modules otherwise.
  writeFileSync(join(types, 'package.json'), '{ "type": "commonjs" }\n');
}

function reachable(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file) || !existsSync(file)) return found;
  found.add(file);
  for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)\.js'/g))
    reachable(resolve(dirname(file), `${name}.d.ts`), found);
  return found;
}
