/** The programs in docs/examples do what they say. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { own } from '../common/steps/root-file-systems.js';
import { endWithTest, finished, folder, node, project, type User, users } from '../gontainer.js';
import { consumer } from '../library/consumer.js';
import { snapshot } from '../parent/images/snapshot.js';

/** Runs one of them as a user of the package has it. */
async function example(name: string, words: readonly string[], user: User, input = '') {
  const path = consumer(user);
  copyFileSync(join(project, 'docs/examples', name), join(path, name));
  const child = endWithTest(
    spawn(node, [join(path, name), ...words], {
      cwd: path,
      ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
    }),
  );
  child.stdin.end(input);
  return await finished(child);
}

/** A folder with a repository's hooks and a secret in it. */
function repository(user: User): string {
  const path = folder(user);
  mkdirSync(join(path, '.git/hooks'), { recursive: true });
  writeFileSync(join(path, '.env'), 'secret\n');
  own(path, user);
  return path;
}

for (const user of users) {
  const { skip } = user;

  test(`${user.name}: the agent changes the project, and neither its hooks nor what it is not to see`, {
    skip,
  }, async () => {
    const path = repository(user);
    const commands = [
      'echo 1 >made; ls',
      'cat .env',
      'echo evil >.git/hooks/pre-commit',
      'mv .git old',
      'cat made',
      'exit 3',
    ];
    const { status, stdout, stderr } = await example('agent.mjs', [path], user, commands.join('\n'));
    assert.equal(status, 0, stderr);
    const [line = '', ...told] = stdout.trimEnd().split('\n');
    assert.match(line, /^gontainer run --uid /);
    const answers = told.map((text) => JSON.parse(text));
    assert.deepEqual(
      answers.map(({ status }) => status === 0),
      [true, true, false, false, true, false],
    );
    assert.deepEqual(
      [answers[0].stdout, answers[1].stdout, answers[4].stdout, answers[5].status],
      ['made\n', '', '1\n', 3],
    );
    assert.deepEqual(readdirSync(path).sort(), ['.env', '.git', 'made']);
    assert.deepEqual(readdirSync(join(path, '.git/hooks')), []);
  });

  test(`${user.name}: the CI runner keeps the artefacts, and the project is as it was`, {
    skip,
  }, async () => {
    const [path, artefacts] = [repository(user), folder(user)];
    const before = snapshot(path);
    const steps = ['echo built >out; rm .env', 'cp out "$ARTEFACTS"; ls -A', 'exit 4', 'echo never'];
    const { status, stdout, stderr } = await example('ci.mjs', [path, artefacts, ...steps], user);
    assert.equal(status, 4, stderr);
    const listed = ['.git', 'out'];
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      `--- ${steps[0]}`,
      `--- ${steps[1]}`,
      ...listed,
      '--- exit 4',
      '--- failed: exit, status 4',
    ]);
    assert.equal(readFileSync(join(artefacts, 'out'), 'utf8'), 'built\n');
    assert.deepEqual(snapshot(path), before);
  });
}
