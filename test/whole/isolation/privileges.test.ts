/** Privileges that a file gives, and groups that take some away. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, lacking, node, program, root, run, unprivileged } from '../../gontainer.js';
import { asRoot, word } from './attempts.js';

const idProgram = realpathSync(spawnSync('which', ['id'], { encoding: 'utf8' }).stdout.trim());

test('a set-user-ID program gives the command nothing', { skip: asRoot }, async (context) => {
  const file = join(folder(), 'id');
  copyFileSync(idProgram, file);
  chmodSync(file, 0o4755);
  const host = spawnSync(file, ['-u'], { uid: unprivileged.uid, gid: unprivileged.gid, encoding: 'utf8' });
  if (host.stdout.trim() !== '0') return context.skip('the folder of temporary files is mounted nosuid');
  const become = async (...options: string[]) => {
    const words = [
      'run',
      '--quiet',
      '--pid',
      ...options,
      '--',
      'setpriv',
      '--reuid=54321',
      '--clear-groups',
      file,
      '-u',
    ];
    const { stdout, stderr } = await run(words, { user: root });
    return stdout.trim() || stderr;
  };
  assert.equal(await become(), '54321');
  assert.equal(await become('--allow-new-privs'), '0');
});

test('an ordinary user cannot leave a group that denies a file', {
  skip: asRoot || lacking('setpriv', 'unshare'),
}, () => {
  const file = join(folder(), 'denied');
  writeFileSync(file, word);
  chownSync(file, 0, 60_000);
  chmodSync(file, 0o604);
  const { uid, gid } = unprivileged;
  const read = (groups: string, ...command: string[]): string => {
    const words = [`--reuid=${uid}`, `--regid=${gid}`, groups, '--', ...command];
    const { stdout, stderr } = spawnSync('setpriv', words, { encoding: 'utf8', cwd: '/' });
    return stdout || stderr;
  };
  const launch = [node, program, 'run', '--quiet', '--uid', '--'];
  const leave = 'setpriv --clear-groups cat "$0" || cat "$0"';
  assert.match(read('--groups=60000', ...launch, 'sh', '-c', leave, file), /ermission denied\n$/);
  // Whoever is in no such group reads it, in a container or not.
  assert.equal(read('--clear-groups', ...launch, 'sh', '-c', 'cat "$0"', file), word);
});
