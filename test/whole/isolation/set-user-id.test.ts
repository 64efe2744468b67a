/** Files with a set-user-ID bit or capabilities: made in the container, executed on the host. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inside, noBusybox } from '../../common/steps/root-file-systems.js';
import { folder, lacking, root, run, type User, unprivileged } from '../../gontainer.js';
import { asRoot } from './attempts.js';

/** A root file system with a shell and id(1), in a folder of this mode. */
function rootIn(mode: number): string {
  const above = folder();
  chmodSync(above, mode);
  const path = join(above, 'root');
  mkdirSync(join(path, 'bin'), { recursive: true });
  const program = (name: string) =>
    realpathSync(spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim());
  for (const name of ['sh', 'chmod']) copyFileSync(program('busybox'), join(path, 'bin', name));
  // Not busybox's, which gives such privileges up.
  copyFileSync(program('id'), join(path, 'bin/id'));
  return path;
}

/** Who a user of the host becomes by executing this. */
function becomes(program: string, { uid, gid }: User): string {
  const { stdout, error } = spawnSync(program, ['-u'], { uid, gid, encoding: 'utf8', cwd: '/' });
  return error === undefined ? stdout.trim() : String((error as NodeJS.ErrnoException).code);
}

const skip = asRoot || noBusybox || lacking('setpriv');

test('a set-user-ID file of the container works on the host only where others reach it', {
  skip,
}, async (context) => {
  const made = async (mode: number): Promise<string> => {
    const path = rootIn(mode);
    const { status, stderr } = await inside(path, [], 'chmod 4755 /bin/id', root);
    assert.equal(status, 0, stderr);
    return becomes(join(path, 'bin/id'), unprivileged);
  };
  const reached = await made(0o755);
  if (reached === String(unprivileged.uid))
    return context.skip('the folder of temporary files is mounted nosuid');
  assert.equal(reached, '0');
  assert.equal(await made(0o700), 'EACCES');
});

test('a launch by root says where others reach the files of the container', { skip }, async () => {
  const said = async (path: string, ...options: string[]): Promise<string> => {
    const words = ['run', '--uid', '--mnt', path, ...options, '--', '/bin/sh', '-c', ':'];
    const { status, stderr } = await run(words, { user: root });
    assert.equal(status, 0, stderr);
    return stderr;
  };
  const shared =
    /other users can reach .* a set-user-ID program that root makes in the container would be root on the host/;
  const [open, closed] = [rootIn(0o755), rootIn(0o700)];
  assert.match(await said(open), shared);
  assert.doesNotMatch(await said(closed), shared);
  // Nothing that is made stays, or nothing can be made.
  for (const option of ['--ephemeral', '--read-only']) assert.doesNotMatch(await said(open, option), shared);
  // The changes are what counts, not what lies below them.
  const changes = { open: folder(), closed: folder() };
  chmodSync(changes.closed, 0o700);
  assert.match(await said(closed, '--overlay', changes.open), shared);
  assert.doesNotMatch(await said(open, '--overlay', changes.closed), shared);
  // Another user's container has no file of root's.
  const theirs = rootIn(0o755);
  chownSync(theirs, unprivileged.uid, unprivileged.gid);
  const { stderr } = await run(['run', '--uid', '--mnt', theirs, '--', '/bin/sh', '-c', ':'], {
    user: unprivileged,
  });
  assert.doesNotMatch(stderr, shared);
});
