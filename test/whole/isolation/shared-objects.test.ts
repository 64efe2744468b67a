/** What processes share by a name that is in no file system. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { node, users } from '../../gontainer.js';
import { probe, tried } from './attempts.js';

for (const user of users) {
  const { skip } = user;
  const base = user.uid === 0 ? [] : ['--uid'];

  test(`${user.name} cannot find shared memory of the host from an IPC namespace`, {
    skip,
  }, async (context) => {
    const key = String(0x676f0000 + (process.pid % 0x8000) * 2 + (user.uid === 0 ? 0 : 1));
    const made = spawnSync(node, [...probe.slice(1), 'make-memory', key], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    context.after(() => spawnSync(node, [...probe.slice(1), 'remove-memory', made.stdout.trim()]));
    assert.equal(await tried([...base, '--ipc'], ['memory', key], user), 'held: ENOENT');
    assert.equal(await tried([...base, '--uts'], ['memory', key], user), 'got out');
  });

  test(`${user.name} cannot connect to an abstract socket of the host from a network namespace`, {
    skip,
  }, async (context) => {
    const name = `gontainer-test-${process.pid}-${user.uid}`;
    const server = createServer((socket) => socket.end());
    await new Promise<void>((listening) => server.listen({ path: `\0${name}` }, listening));
    context.after(() => server.close());
    assert.equal(await tried([...base, '--net'], ['socket', name], user), 'held: ECONNREFUSED');
    assert.equal(await tried([...base, '--uts'], ['socket', name], user), 'got out');
  });
}
