/** `npm run check` refuses what the layers forbid: each rule is broken once, in a copy of the source. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, project } from '../gontainer.js';

/** What the linter or knip says of a copy of the project that has these lines more, by file; '' when it finds nothing. */
function complaint(tool: 'biome' | 'knip', added: Readonly<Record<string, string>>): string {
  const copy = folder();
  for (const name of [
    'src',
    'scripts',
    'test',
    ...readdirSync(project).filter((name) => /\.json$/.test(name)),
  ])
    cpSync(join(project, name), join(copy, name), { recursive: true });
  writeFileSync(join(copy, '.gitignore'), readFileSync(join(project, '.gitignore')));
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
  for (const [file, line] of Object.entries(added)) appendFileSync(join(copy, file), `${line}\n`);
  const words = { biome: ['lint', '--max-diagnostics=none'], knip: ['--no-progress'] }[tool];
  const { status, stdout, stderr } = spawnSync(join(copy, 'node_modules/.bin', tool), words, {
    cwd: copy,
    encoding: 'utf8',
  });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

test('the source as it is passes, so that what follows is seen to be what fails', () => {
  assert.equal(complaint('biome', {}), '');
  assert.equal(complaint('knip', {}), '');
});

for (const { what, says, added } of [
  {
    what: 'two files that import each other',
    says: /noImportCycles/,
    added: { 'src/common/one.ts': "import './two.js';", 'src/common/two.ts': "import './one.js';" },
  },
  {
    what: 'a parent that imports the child',
    says: /parent and the child do not import each other/,
    added: { 'src/parent/launch/one.ts': "import '../../child/main.js';" },
  },
  {
    what: 'a parent that imports the child later',
    says: /parent and the child do not import each other/,
    added: { 'src/parent/launch/one.ts': "await import('../../child/main.js');" },
  },
  {
    what: 'a child that imports the parent',
    says: /parent and the child do not import each other/,
    added: { 'src/child/one.ts': "import '../parent/main.js';" },
  },
  {
    what: 'a shared file that imports a stage',
    says: /knows nothing of either/,
    added: { 'src/common/one.ts': "import '../child/main.js';" },
  },
  {
    what: 'a room below the commands that imports one',
    says: /Commands stand above all other rooms/,
    added: { 'src/parent/log/one.ts': "import '../commands/run/run-options.js';" },
  },
  {
    what: 'a call of the C library past the recorder',
    says: /Only src\/common\/kernel touches ffi-rs/,
    added: { 'src/common/steps/one.ts': "import 'ffi-rs';" },
  },
]) {
  test(`the linter refuses ${what}`, () => assert.match(complaint('biome', added), says));
}

const commands = readdirSync(join(project, 'src/parent/commands'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('the linter refuses a command that imports another one, whichever it is', () => {
  const added = Object.fromEntries(
    commands.map((name, place) => [
      `src/parent/commands/${commands.at(place - 1)}/one.ts`,
      `import '../${name}/two.js';`,
    ]),
  );
  const refused = complaint('biome', added).match(/Commands do not import each other/g) ?? [];
  assert.equal(refused.length, commands.length);
});

test('knip refuses an export that nothing imports, and a file that nothing reaches', () => {
  const said = complaint('knip', {
    'src/common/defined.ts': 'export const nobodyWantsThis = 1;',
    'src/common/nobody-reads-this.ts': 'export {};',
  });
  assert.match(said, /nobodyWantsThis/);
  assert.match(said, /nobody-reads-this\.ts/);
});
