/** The new root, and mounts that would appear on the host. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { folder, lacking, node, program, root, users } from '../../gontainer.js';
import { asRoot, newRoot, probe, secret, tried } from './attempts.js';

for (const user of users) {
  const { skip } = user;
  const base = user.uid === 0 ? [] : ['--uid'];

  test(`${user.name} cannot leave a new root the way one leaves a chroot`, { skip }, async () => {
    const attempt = ['chroot', secret(user)];
    assert.equal(await tried([...base, ...newRoot(user)], attempt, user), 'held: ENOENT');
    assert.equal(await tried([...base, ...newRoot(user), '--chroot'], attempt, user), 'got out');
  });
}

test('a mount made in the container does not appear on the host', {
  skip: asRoot || lacking('unshare', 'mountpoint'),
}, () => {
  /**
   * In a mount namespace whose mounts are shared, as they are on a host with systemd; nothing of it stays. They are private
   * first, or those of such a host would be their peers, and get what is mounted here.
   */
  const seen = (container: string, place: string): string => {
    const script = `mount --make-rshared / && cd ${place} && mount --bind . . && mount --make-shared . && mkdir -p in && ${container} >&2
      mountpoint -q ${place}/in && echo seen || echo not seen`;
    const words = ['--mount', '--propagation', 'private', 'sh', '-c', script];
    const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' });
    assert.doesNotMatch(stderr, /held/, stderr);
    return stdout.trim();
  };
  const launcher = `'${node}' '${program}' run --quiet --cap-keep all`;
  const attempt = (place: string) => `${probe.join(' ')} mount ${place}/in`;
  const places = [folder(), folder(), folder(), folder()] as const;
  assert.equal(seen(`${launcher} --pid -- ${attempt(places[0])}`, places[0]), 'not seen');
  assert.equal(seen(`${launcher} --uts -- ${attempt(places[1])}`, places[1]), 'seen');
  // A mount namespace alone does not do it: the step propagation does.
  assert.equal(seen(`unshare --mount --propagation unchanged ${attempt(places[2])}`, places[2]), 'seen');
  // Nor does it come out through a folder that is bound in.
  const bound = `${launcher} ${newRoot(root).join(' ')} --bind ${places[3]}:/host`;
  assert.equal(seen(`${bound} -- /probe/node /probe/probe.cjs mount /host/in`, places[3]), 'not seen');
});
